/** An attempt to connect, from its SYN to its one event. */
import { TcpEvent, type TcpRefusal, type TcpSocket } from '../../netstack/raw-api.js';
import type { Attempt, AttemptEvents, Endpoint, Fault } from '../../port/tcp-stack.js';
import { attemptFault, refusalFault } from './faults.js';
import { Reporter } from './reporter.js';
import type { StackContext } from './stack-context.js';
import { VirtualConnection } from './virtual-connection.js';

export class VirtualAttempt extends Reporter implements Attempt {
  readonly #context: StackContext;
  readonly #socket: TcpSocket | undefined;
  readonly #remote: Endpoint;
  /** `undefined` after the outcome. */
  #events: AttemptEvents | undefined;
  /** Fault of an attempt that could not begin. */
  readonly #fault: Fault | undefined;

  constructor(
    context: StackContext,
    opened: TcpSocket | TcpRefusal,
    ends: { readonly local: Endpoint; readonly remote: Endpoint },
    events: AttemptEvents,
  ) {
    super();
    this.#context = context;
    this.#remote = ends.remote;
    this.#events = events;
    context.attempts.add(this);
    if (typeof opened === 'string') {
      const isOfLocalEnd = opened === 'inUse' || opened === 'notLocal';
      this.#fault = refusalFault(
        opened,
        isOfLocalEnd ? 'connect from' : 'connect to',
        isOfLocalEnd ? ends.local : ends.remote,
      );
      context.turns.add(this);
    } else {
      this.#socket = opened;
      opened.owner = this;
      context.wake();
    }
  }

  report(): boolean {
    const events = this.#events;
    if (events === undefined) return false;
    const socket = this.#socket;
    if (socket === undefined) {
      if (this.#fault === undefined) return false;
      this.#leave();
      events.onFailed(this.#fault);
      return true;
    }
    const noted = socket.takeEvents();
    if ((noted & TcpEvent.CLOSED) !== 0) {
      this.#leave();
      events.onFailed(attemptFault(socket.failure ?? 'aborted', this.#remote));
      return true;
    }
    if ((noted & TcpEvent.CONNECTED) === 0) return false;
    this.#leave();
    const connection = new VirtualConnection(this.#context, socket);
    connection.begin(() => events.onConnected(connection));
    return true;
  }

  cancel(): void {
    if (this.#events === undefined) return;
    this.#leave();
    this.#socket?.abort();
  }

  #leave(): void {
    this.#events = undefined;
    this.#context.attempts.delete(this);
  }

  setKeepsAlive(): void {
    // Nothing of this stack keeps the process alive.
  }
}
