/**
 * Requests that wait for the answers to others before them on their connection. Their replies do not learn
 * that the connection is over, and node:http says so of their messages only until another protocol takes it.
 */
import type { Socket } from 'node:net';
import type { AsyncWebServerRequest } from './request/request.js';

export class Pipelines {
  readonly #waiting = new Map<Socket, Set<AsyncWebServerRequest>>();

  /** Returns the number of requests that wait on a connection. */
  count(socket: Socket): number {
    return this.#waiting.get(socket)?.size ?? 0;
  }

  /** Keeps a request until its turn has come, or the connection is over. */
  add(socket: Socket, request: AsyncWebServerRequest): void {
    let waiting = this.#waiting.get(socket);
    if (waiting === undefined) {
      waiting = new Set();
      this.#waiting.set(socket, waiting);
      socket.once('close', () => {
        this.close(socket);
        this.#waiting.delete(socket);
      });
    }
    waiting.add(request);
    request.reply.once('socket', () => waiting.delete(request));
  }

  /** Closes the requests that wait: their turn will not come. */
  close(socket: Socket): void {
    const waiting = this.#waiting.get(socket);
    for (const request of [...(waiting ?? [])]) request.closed();
    waiting?.clear();
  }
}
