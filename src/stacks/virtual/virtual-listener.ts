/** A listener. Connections are shown to the program in the order in which they were established. */
import type { TcpListenerSocket } from '../../netstack/raw-api.js';
import type { ConnectionEvents, Endpoint, Listener, ListenerEvents } from '../../port/tcp-stack.js';
import { TcpState } from '../../port/tcp-state.js';
import { Reporter } from './reporter.js';
import type { StackContext } from './stack-context.js';
import { VirtualConnection } from './virtual-connection.js';

export class VirtualListener extends Reporter implements Listener {
  readonly local: Endpoint;
  readonly #context: StackContext;
  readonly #socket: TcpListenerSocket;
  #events: ListenerEvents | undefined;
  #isReported = false;

  constructor(context: StackContext, socket: TcpListenerSocket, address: string, events: ListenerEvents) {
    super();
    this.local = { address, port: socket.localPort };
    this.#context = context;
    this.#socket = socket;
    this.#events = events;
    socket.owner = this;
    context.listeners.add(this);
    context.turns.add(this);
  }

  report(): boolean {
    const events = this.#events;
    if (events === undefined) return false;
    if (!this.#isReported) {
      this.#isReported = true;
      events.onListening();
      return true;
    }
    let socket = this.#socket.accept();
    // A connection that is over before the program has seen it is not shown.
    while (socket?.state === TcpState.CLOSED) socket = this.#socket.accept();
    if (socket === undefined) return false;
    const connection = new VirtualConnection(this.#context, socket);
    let receiver: ConnectionEvents | undefined;
    try {
      receiver = events.onAccepted(connection);
    } finally {
      connection.begin(receiver);
    }
    return true;
  }

  close(): void {
    if (this.#events === undefined) return;
    this.#events = undefined;
    this.#context.listeners.delete(this);
    this.#socket.close();
    this.#context.wake();
  }

  setKeepsAlive(): void {
    // Nothing of this stack keeps the process alive.
  }
}
