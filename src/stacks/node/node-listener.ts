/** One listener on `node:net`. */
import { createServer, type ListenOptions, type Socket } from 'node:net';
import type { Endpoint, Fault, Listener, ListenerEvents, ListenTarget } from '../../port/tcp-stack.js';
import { listenFault } from '../system/system-fault.js';
import { STREAM_BYTES } from './inbox.js';
import { NodeConnection, type ConnectionContext } from './node-connection.js';
import type { OpenSocket } from './open-sockets.js';
import { endsOf } from './socket-facts.js';
import { withNamedZone } from './zone.js';

/** Local end until the system has bound the socket. */
const NOT_BOUND: Endpoint = { address: '', port: 0 };

export class NodeListener implements Listener, OpenSocket {
  local = NOT_BOUND;

  readonly #server = createServer({ allowHalfOpen: true, highWaterMark: STREAM_BYTES });
  readonly #context: ConnectionContext;
  readonly #receiveWindowBytes: number | undefined;
  /** `undefined` when the listener is over. */
  #events: ListenerEvents | undefined;
  #isListening = false;

  constructor(context: ConnectionContext, target: ListenTarget, events: ListenerEvents) {
    this.#context = context;
    this.#receiveWindowBytes = target.receiveWindowBytes;
    this.#events = events;
    this.#server.on('listening', () => {
      this.#onListening();
    });
    this.#server.on('error', (error) => {
      this.#onError(error);
    });
    this.#server.on('connection', (socket) => {
      this.#onConnection(socket);
    });
    this.#server.on('close', () => {
      context.sockets.remove(this);
    });
  }

  /** Begins to listen. Returns a fault if the runtime refuses the target at once. */
  begin(target: ListenTarget): Fault | undefined {
    try {
      this.#server.listen(listenOptions(target));
    } catch (error) {
      return listenFault(error instanceof Error ? error : new Error(String(error)));
    }
    this.#context.sockets.add(this);
    this.#noteLocal();
    return undefined;
  }

  get holding(): 'listeners' | undefined {
    return this.#events === undefined ? undefined : 'listeners';
  }

  close(): void {
    this.#events = undefined;
    this.#server.close();
  }

  reset(): void {
    this.close();
  }

  setKeepsAlive(on: boolean): void {
    if (on) this.#server.ref();
    else this.#server.unref();
  }

  #noteLocal(): void {
    const bound = this.#server.address();
    if (bound === null || typeof bound !== 'object') return;
    this.local = { address: bound.address, port: bound.port };
  }

  // ---- the server's events

  #onListening(): void {
    if (this.#events === undefined) {
      // The runtime was still looking the address up when `close` was called, and has opened it afterwards.
      this.#server.close();
      return;
    }
    this.#noteLocal();
    this.#isListening = true;
    this.#events.onListening();
  }

  /** Before it listens, an error means that it never will; later, that a connection could not be accepted. */
  #onError(error: Error): void {
    const fault = listenFault(error);
    const events = this.#events;
    if (this.#isListening) {
      events?.onAcceptFailed(fault);
      return;
    }
    this.#events = undefined;
    this.#context.sockets.remove(this);
    events?.onFailed(fault);
  }

  #onConnection(socket: Socket): void {
    const ends = endsOf(socket);
    if (ends === undefined) {
      socket.destroy();
      return;
    }
    const connection = new NodeConnection(this.#context, socket, ends, this.#receiveWindowBytes);
    connection.begin((standing) => this.#events?.onAccepted(standing));
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
