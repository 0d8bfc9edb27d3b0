/** One listener on `node:net`. */
import { createServer, type ListenOptions, type Server } from 'node:net';
import type { Listener, ListenerEvents, ListenTarget } from '../../port/tcp-stack.js';
import { STREAM_BYTES } from './inbox.js';
import { isOverAlready, NodeConnection, type ConnectionContext } from './node-connection.js';
import { withNamedZone } from './zone.js';
import { listenFault } from '../system/system-fault.js';

export class NodeListener implements Listener {
  address = '';
  port = 0;

  readonly #server: Server;
  #events: ListenerEvents | undefined;
  #listens = false;

  constructor(context: ConnectionContext, target: ListenTarget, events: ListenerEvents) {
    this.#events = events;
    this.#server = createServer({ allowHalfOpen: true, highWaterMark: STREAM_BYTES });
    this.#server.on('listening', () => {
      this.#onListening();
    });
    this.#server.on('error', (error) => {
      this.#onError(error);
    });
    this.#server.on('connection', (socket) => {
      if (isOverAlready(socket)) {
        socket.destroy();
        return;
      }
      const connection = new NodeConnection(context, socket, undefined, undefined, target.receiveWindowBytes);
      const receiver = this.#events?.accepted(connection);
      if (receiver === undefined) connection.abort();
      else connection.setEvents(receiver);
    });
    this.#server.listen(listenOptions(target));
  }

  close(): void {
    this.#events = undefined;
    this.#server.close();
  }

  setKeepsAlive(on: boolean): void {
    if (on) this.#server.ref();
    else this.#server.unref();
  }

  #onListening(): void {
    const bound = this.#server.address();
    if (bound !== null && typeof bound === 'object') {
      this.address = bound.address;
      this.port = bound.port;
    }
    this.#listens = true;
    this.#events?.listening();
  }

  /** Before it listens, an error means that it never will; later, that a connection could not be accepted. */
  #onError(error: Error): void {
    const fault = listenFault(error);
    if (this.#listens) this.#events?.acceptFailed(fault);
    else this.#events?.failed(fault);
  }
}

/** `reusePort` is newer than the types of the oldest supported Node. */
function listenOptions(target: ListenTarget): ListenOptions & { reusePort?: boolean } {
  return {
    port: target.port,
    ...(target.address === undefined ? {} : { host: withNamedZone(target.address) }),
    ...(target.backlog === undefined ? {} : { backlog: target.backlog }),
    ...(target.reusePort ? { reusePort: true } : {}),
  };
}
