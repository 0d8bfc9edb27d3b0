/** A network: its time and turns, its listeners, and the faults that are in force between two ends. */
import { ErrorCode } from '../../port/error-code.js';
import type { Endpoint, Fault } from '../../port/tcp-stack.js';
import type { SteppedClock } from '../../support/stepped-clock.js';
import { covers, isLoopback, matches, type EndSelector } from './addresses.js';
import { Ports } from './ports.js';
import { TurnQueue } from './turn-queue.js';
import type { Acceptor, Flow } from './wire.js';

export class Network {
  readonly clock: SteppedClock;
  readonly turns: TurnQueue;
  readonly ports = new Ports();
  readonly acceptors = new Set<Acceptor>();
  /** Attempts and the ends of connections. */
  readonly flows = new Set<Flow>();
  readonly #cuts = new Set<EndSelector>();
  readonly #refusals = new Map<EndSelector, ErrorCode>();
  #routed = 0;

  constructor(clock: SteppedClock) {
    this.clock = clock;
    this.turns = new TurnQueue(clock);
  }

  isCut({ local, remote }: Flow): boolean {
    for (const cut of this.#cuts) if (matches(cut, local) || matches(cut, remote)) return true;
    return false;
  }

  /** Returns the listener that an attempt reaches, or the attempt's fault; `undefined`: no answer. */
  route(flow: Flow): Acceptor | Fault | undefined {
    if (this.isCut(flow)) return undefined;
    const { remote } = flow;
    for (const [where, code] of this.#refusals) {
      if (matches(where, remote)) return faultOf(code, remote, 'it is refused on demand');
    }
    const acceptors = [...this.acceptors].filter(({ local }) => local.port === remote.port);
    const exact = acceptors.filter(({ local }) => local.address === remote.address);
    const wide = acceptors.filter(({ local }) => covers(local.address, remote.address));
    const open = this.#exists(remote.address) ? (exact.length > 0 ? exact : wide) : [];
    this.#routed += 1;
    // Listeners that share a port take turns.
    return open[this.#routed % open.length] ?? this.#refusal(remote);
  }

  #refusal(remote: Endpoint): Fault {
    if (this.#exists(remote.address)) return faultOf(ErrorCode.ERR_RST, remote, 'nothing listens there');
    return faultOf(ErrorCode.ERR_RTE, remote, 'no machine has this address');
  }

  /** Returns true if a machine has the address: a loopback address, or one on which something listens. */
  #exists(address: string): boolean {
    return isLoopback(address) || [...this.acceptors].some(({ local }) => local.address === address);
  }

  cut(where: EndSelector): () => void {
    this.#cuts.add(where);
    return () => {
      this.#cuts.delete(where);
      for (const flow of this.flows) this.turns.event(() => flow.transmit());
    };
  }

  refuse(where: EndSelector, code: ErrorCode): () => void {
    this.#refusals.set(where, code);
    return () => this.#refusals.delete(where);
  }

  reset(where: EndSelector): void {
    const fault = { code: ErrorCode.ERR_RST, cause: new Error('the connection was reset on demand') };
    for (const flow of this.flows) {
      if (matches(where, flow.local) || matches(where, flow.remote)) flow.reset(fault);
    }
  }
}

function faultOf(code: ErrorCode, { address, port }: Endpoint, reason: string): Fault {
  return { code, cause: new Error(`connect to ${address} port ${port}: ${reason}`) };
}
