/**
 * What the stacks of one network share: the time and the turns, who listens where, and the faults that are in
 * force on the way.
 */
import { ErrorCode } from '../../port/error-code.js';
import type { Endpoint, Fault } from '../../port/tcp-stack.js';
import type { SteppedClock } from '../../support/stepped-clock.js';
import { covers, isLoopback, matches, type Where } from './addresses.js';
import { Ports } from './ports.js';
import { TurnQueue } from './turn-queue.js';
import type { Door, Line } from './wire.js';

export class Network {
  readonly clock: SteppedClock;
  readonly turns: TurnQueue;
  readonly ports = new Ports();
  readonly doors = new Set<Door>();
  /** Attempts and the ends of connections. */
  readonly lines = new Set<Line>();
  readonly #cuts = new Set<Where>();
  readonly #refusals = new Map<Where, ErrorCode>();
  #entered = 0;

  constructor(clock: SteppedClock) {
    this.clock = clock;
    this.turns = new TurnQueue(clock);
  }

  isCut({ local, remote }: Line): boolean {
    for (const cut of this.#cuts) if (matches(cut, local) || matches(cut, remote)) return true;
    return false;
  }

  /** Returns the listener that an attempt reaches, why there is none, or `undefined` if nothing answers. */
  route(line: Line): Door | Fault | undefined {
    if (this.isCut(line)) return undefined;
    const { remote } = line;
    for (const [where, code] of this.#refusals) {
      if (matches(where, remote)) return faultOf(code, remote, 'it is refused on demand');
    }
    const doors = [...this.doors].filter(({ local }) => local.port === remote.port);
    const exact = doors.filter(({ local }) => local.address === remote.address);
    const wide = doors.filter(({ local }) => covers(local.address, remote.address));
    const open = this.#exists(remote.address) ? (exact.length > 0 ? exact : wide) : [];
    this.#entered += 1;
    // Listeners that share a port take turns.
    return open[this.#entered % open.length] ?? this.#refusal(remote);
  }

  #refusal(remote: Endpoint): Fault {
    if (this.#exists(remote.address)) return faultOf(ErrorCode.ERR_RST, remote, 'nobody listens');
    return faultOf(ErrorCode.ERR_RTE, remote, 'no machine has this address');
  }

  /** A machine has the loopback addresses, and every other one on which something listens. */
  #exists(address: string): boolean {
    return isLoopback(address) || [...this.doors].some(({ local }) => local.address === address);
  }

  cut(where: Where): () => void {
    this.#cuts.add(where);
    return () => {
      this.#cuts.delete(where);
      for (const line of this.lines) this.turns.event(() => line.carry());
    };
  }

  refuse(where: Where, code: ErrorCode): () => void {
    this.#refusals.set(where, code);
    return () => this.#refusals.delete(where);
  }

  reset(where: Where): void {
    const fault = { code: ErrorCode.ERR_RST, cause: new Error('the connection was reset on demand') };
    for (const line of this.lines) {
      if (matches(where, line.local) || matches(where, line.remote)) line.reset(fault);
    }
  }
}

function faultOf(code: ErrorCode, { address, port }: Endpoint, reason: string): Fault {
  return { code, cause: new Error(`connect to ${address} port ${port}: ${reason}`) };
}
