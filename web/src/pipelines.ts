/**
 * Requests that wait for the answers to others before them on their connection. Their replies do not learn
 * that the connection is over, and node:http says so of their messages only until another protocol takes it.
 */
import type { Socket } from 'node:net';
import type { Reply } from './request/reply.js';
import type { AsyncWebServerRequest } from './request/request.js';

/** Returns true for a reply whose head has been made and says that the connection is closed. */
export function isLast(reply: Reply): boolean {
  return Reflect.get(reply, '_last') === true;
}

export class Pipelines {
  readonly #waiting = new Map<Socket, Set<AsyncWebServerRequest>>();

  /** Returns the number of requests that wait on a connection. */
  count(socket: Socket): number {
    return this.#waiting.get(socket)?.size ?? 0;
  }

  /** Returns true if the answer to one of them is there, and closes the connection (RFC 9112 §9.6). */
  hasLast(socket: Socket): boolean {
    for (const { reply } of this.#waiting.get(socket) ?? []) if (isLast(reply)) return true;
    return false;
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
