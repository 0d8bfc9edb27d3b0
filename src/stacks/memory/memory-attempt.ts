/** An attempt to connect, from its SYN to its one event. */
import { ErrorCode } from '../../port/error-code.js';
import type { Attempt, AttemptEvents, ConnectTarget, Endpoint, Fault } from '../../port/tcp-stack.js';
import { Timer } from '../../support/timers.js';
import { canonical, destination } from './addresses.js';
import type { Machine } from './machine.js';
import { MemoryConnection } from './memory-connection.js';
import type { Binding } from './ports.js';
import type { Acceptor, Flow } from './wire.js';

/** Time for which Linux goes on sending SYNs (tcp_syn_retries). */
export const CONNECT_TIMEOUT_MS = 127_000;

export class MemoryAttempt implements Attempt, Flow {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #machine: Machine;
  readonly #events: AttemptEvents;
  readonly #binding: Binding | undefined;
  readonly #receiveWindowBytes: number | undefined;
  readonly #timer = new Timer(this);
  /** Fault that ends the attempt: it cannot begin, or was reset. */
  #fault: Fault | undefined;
  #isOver = false;

  constructor(machine: Machine, target: ConnectTarget, events: AttemptEvents) {
    const { network, attempts, shortages, timers } = machine;
    const { port, localPort, reusePort = false } = target;
    this.remote = { address: destination(target.address), port };
    const address = target.localAddress === undefined ? this.remote.address : canonical(target.localAddress);
    this.#binding = network.ports.bind(address, localPort, reusePort);
    this.local = this.#binding ?? { address, port: localPort };
    if (this.#binding === undefined) this.#fault = takenFault(this.local);
    if (shortages.size > 0) this.#fault = shortageFault();
    this.#machine = machine;
    this.#events = events;
    this.#receiveWindowBytes = target.receiveWindowBytes;
    attempts.add(this);
    network.flows.add(this);
    network.turns.event(() => this.transmit());
    timers.arm(this.#timer, network.clock.nowMs() + CONNECT_TIMEOUT_MS);
  }

  /** Sends the SYN; again when a link is healed. */
  transmit(): void {
    if (this.#isOver) return;
    const outcome = this.#fault ?? this.#machine.network.route(this);
    if (outcome === undefined) return;
    if ('code' in outcome) this.#fail(outcome);
    else this.#establish(outcome);
  }

  #establish(acceptor: Acceptor): void {
    this.#leave();
    const { ports } = this.#machine.network;
    const binding = this.#binding;
    const release = (): void => {
      if (binding !== undefined) ports.release(binding);
    };
    const near = new MemoryConnection(this.#machine, this, this.#receiveWindowBytes, release);
    acceptor.accept(near);
    near.begin(() => this.#events.onConnected(near));
  }

  reset(fault: Fault): void {
    this.#fault = fault;
    this.#machine.network.turns.event(() => this.transmit());
  }

  #fail(fault: Fault): void {
    this.cancel();
    this.#events.onFailed(fault);
  }

  /** Called by the timer. */
  due(): void {
    const { address, port } = this.remote;
    const cause = new Error(`connect to ${address} port ${port}: nothing answers`);
    this.#fail({ code: ErrorCode.ERR_TIMEOUT, cause });
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#leave();
    if (this.#binding !== undefined) this.#machine.network.ports.release(this.#binding);
  }

  #leave(): void {
    const { attempts, network, timers } = this.#machine;
    this.#isOver = true;
    attempts.delete(this);
    network.flows.delete(this);
    timers.disarm(this.#timer);
  }

  setKeepsAlive(): void {
    // Nothing of this stack keeps the process alive.
  }
}

function takenFault({ address, port }: Endpoint): Fault {
  const isChosen = port !== 0;
  const cause = isChosen ? `port ${port} of ${address} is in use` : 'every port is in use';
  return { code: isChosen ? ErrorCode.ERR_USE : ErrorCode.ERR_BUF, cause: new Error(cause) };
}

export function shortageFault(): Fault {
  return { code: ErrorCode.ERR_MEM, cause: new Error('there is no memory, on demand') };
}
