/** An attempt to connect, from its SYN to its one event. */
import { TcpEvent, type TcpSocket } from '../../netstack/raw-api.js';
import type { Attempt, AttemptEvents, ConnectionEvents, Fault } from '../../port/tcp-stack.js';
import { attemptFault } from './faults.js';
import { Reporter } from './reporter.js';
import type { HeldAttempt, StackContext } from './stack-context.js';
import { VirtualConnection } from './virtual-connection.js';

export class VirtualAttempt extends Reporter implements Attempt, HeldAttempt {
  next: HeldAttempt | undefined;
  previous: HeldAttempt | undefined;
  readonly #context: StackContext;
  /** The fault of an attempt that could not begin. */
  readonly #opened: TcpSocket | Fault;
  /** `undefined` after the outcome. */
  #events: AttemptEvents | undefined;

  constructor(context: StackContext, opened: TcpSocket | Fault, events: AttemptEvents) {
    super();
    this.#context = context;
    this.#opened = opened;
    this.#events = events;
    context.attempts.add(this);
    if ('code' in opened) {
      context.turns.add(this);
    } else {
      opened.owner = this;
      context.wake();
    }
  }

  report(): boolean {
    const events = this.#events;
    const socket = this.#opened;
    if (events === undefined) return false;
    if ('code' in socket) {
      this.#leave();
      events.onFailed(socket);
      return true;
    }
    const noted = socket.takeEvents();
    if ((noted & TcpEvent.CLOSED) !== 0) {
      this.#leave();
      events.onFailed(attemptFault(socket));
      return true;
    }
    if ((noted & TcpEvent.CONNECTED) === 0) return false;
    this.#leave();
    const connection = new VirtualConnection(this.#context, socket);
    let receiver: ConnectionEvents | undefined;
    try {
      receiver = events.onConnected(connection);
    } finally {
      connection.begin(receiver);
    }
    return true;
  }

  cancel(): void {
    if (this.#events === undefined) return;
    this.#leave();
    if (!('code' in this.#opened)) this.#opened.abort();
  }

  #leave(): void {
    this.#events = undefined;
    this.#context.attempts.delete(this);
  }

  setKeepsAlive(): void {
    // Nothing of this stack keeps the process alive.
  }
}
