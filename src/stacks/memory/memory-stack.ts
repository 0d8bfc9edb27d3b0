/**
 * A stack to test with: both ends of every connection are in this process, and the test moves the clock. It
 * is the port's shortest implementation, to be read beside `port/tcp-stack.ts`:
 *
 *     memory-stack       the stack: names, connecting, listening, moving the clock, faults on demand
 *     memory-attempt, memory-listener, memory-connection      the port's other interfaces
 *     outbox, inbox      the bytes of a connection's two directions
 *     reporting, turn-queue                                   the order of events
 *     wire               everything that one end can do to the other
 *     network, ports, addresses, machine                      listeners and ports, and what a stack holds
 */
import type { Capabilities } from '../../port/capabilities.js';
import { ErrorCode } from '../../port/error-code.js';
import { endAll, holdingsOf } from '../../port/held.js';
import type { Lookup } from '../../port/lookup.js';
import type {
  Attempt,
  AttemptEvents,
  Cancel,
  ConnectTarget,
  Fault,
  Holdings,
  Listener,
  ListenerEvents,
  ListenTarget,
  StackLimits,
  TcpStack,
} from '../../port/tcp-stack.js';
import { macrotask } from '../../support/macrotask.js';
import { checkStep, SteppedClock } from '../../support/stepped-clock.js';
import type { TimerWheel } from '../../support/timer-wheel.js';
import { canonical, EVERY_ADDRESS, type EndSelector } from './addresses.js';
import { Machine } from './machine.js';
import { MemoryAttempt } from './memory-attempt.js';
import { MemoryListener } from './memory-listener.js';
import { Network } from './network.js';

export type { EndSelector } from './addresses.js';

/** Bytes of one connection, in each direction. */
export const BUFFER_BYTES = 131_072;
const CLOSE_TIMEOUT_MS = 30_000;
const SEND_BUDGET_BYTES = 268_435_456;
/** Rounds that `settle` waits for. A program that needs more at one time never comes to rest. */
const MOST_ROUNDS = 100_000;

/** Options of `memoryStack`. */
export interface MemoryStackOptions {
  /** Bytes that one connection takes from `add` before any is acknowledged. Default 131072. */
  sendBufferBytes?: number | undefined;
  /** Bytes that one connection delivers before any is acknowledged with `ack`. Default 131072. */
  receiveWindowBytes?: number | undefined;
  /**
   * Milliseconds without any new acknowledgement after which a connection that closes is reset. Default
   * 30000.
   */
  closeTimeoutMs?: number | undefined;
  /** Bytes that all connections of the stack may have unacknowledged together. Default 268435456. */
  sendBudgetBytes?: number | undefined;
  /** Connections at once. Default: no limit. */
  maxActiveTcp?: number | undefined;
  /** A clock that other parts of the test go by as well. Default: one of its own. */
  clock?: SteppedClock | undefined;
  /**
   * Looks names up. `settle` does not wait for an answer that comes neither at once nor by microtasks.
   * Default: `localhost` alone has addresses.
   */
  lookup?: Lookup | undefined;
  /** Another stack, whose network and clock this one shares: two machines. Default: its own network. */
  network?: MemoryStack | undefined;
}

/** The stack of `memoryStack`: virtual time and faults on demand, beside the methods of every stack. */
export class MemoryStack implements TcpStack {
  readonly name = 'memory';
  readonly capabilities: Capabilities = Object.freeze<Capabilities>({
    acknowledgement: 'peer',
    receiveWindow: 'exact',
    abort: true,
    halfClose: true,
    keepAlive: true,
    keepAliveProbes: true,
    ipv6: true,
    reusePort: true,
    connectReusePort: true,
    pathMss: false,
    virtualTime: true,
  });
  readonly honours: ReadonlySet<string> = new Set([
    'CONFIG_LWIP_MAX_ACTIVE_TCP',
    'CONFIG_LWIP_TCP_SND_BUF_DEFAULT',
    'CONFIG_LWIP_TCP_WND_DEFAULT',
    'CONFIG_ASYNC_TCP_CLOSE_TIMEOUT',
    'CONFIG_ASYNC_TCP_SND_BUDGET',
  ]);
  readonly hasOwnNames = true;
  readonly limits: StackLimits;
  /** Clock of the stack. Move it by `run`, so that it never passes work that is to be done before. */
  readonly clock: SteppedClock;
  readonly timers: TimerWheel;
  readonly #network: Network;
  readonly #machine: Machine;
  readonly #lookup: Lookup;

  constructor(options: MemoryStackOptions = {}) {
    this.limits = {
      maxActiveTcp: options.maxActiveTcp,
      sendBufferBytes: options.sendBufferBytes ?? BUFFER_BYTES,
      receiveWindowBytes: options.receiveWindowBytes ?? BUFFER_BYTES,
      closeTimeoutMs: options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS,
      sendBudgetBytes: options.sendBudgetBytes ?? SEND_BUDGET_BYTES,
    };
    const { network: other, clock = new SteppedClock() } = options;
    this.#network = other === undefined ? new Network(clock) : other.#network;
    this.#machine = new Machine(this.#network, this.limits);
    this.#lookup = options.lookup ?? lookupLocalhost;
    this.clock = this.#network.clock;
    this.timers = this.#machine.timers;
  }

  // ---- time

  /**
   * Lets `ms` milliseconds pass, and all that happens in them: ends at exactly that time. Before each step of
   * the clock all is done that can be done at the present time, as by `settle`; therefore it is asynchronous.
   * Call it again only when it has resolved.
   * @throws RangeError, Error (as a rejection) as `SteppedClock.advance` and `settle`.
   */
  async run(ms: number): Promise<void> {
    const { clock } = this;
    const endMs = clock.nowMs() + checkStep(ms);
    for (;;) {
      await this.settle();
      const nextMs = clock.nextMs() ?? Number.POSITIVE_INFINITY;
      // From the event loop, so that microtasks have run between two timers of the same time.
      await new Promise<void>((resolve) => {
        macrotask(() => {
          clock.advanceTo(Math.min(nextMs, endMs));
          resolve();
        });
      });
      if (nextMs > endMs) return;
    }
  }

  /**
   * Resolves when nothing is left to do at the present time: every event has come, and the program's ticks,
   * microtasks and promises have run. It does not wait for timers of the runtime, files or sockets.
   * @throws Error (as a rejection) if the program never comes to rest because each end answers each answer.
   */
  async settle(): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      await new Promise<void>((resolve) => {
        macrotask(resolve);
      });
      if (!this.#network.turns.isAwake) return;
    }
    throw new Error(
      `the program does not come to rest at ${this.clock.nowMs()} ms: its ends go on answering`,
    );
  }

  // ---- faults on demand

  /**
   * Cuts the links of an address, a port (a server's or a client's) or both: nothing arrives there or comes
   * from there, and neither end learns of it. The function that it returns heals the links: transmission
   * goes on.
   */
  cut(where: EndSelector): () => void {
    return this.#network.cut(where);
  }

  /** Resets every connection that has such an end: both ends report `ERR_RST`. */
  reset(where: EndSelector): void {
    this.#network.reset(where);
  }

  /** Has attempts to connect there fail with `code`, up to a call of the function that it returns. */
  refuse(where: EndSelector, code: ErrorCode = ErrorCode.ERR_RST): () => void {
    return this.#network.refuse(where, code);
  }

  /**
   * Leaves this stack without memory for further connections, up to a call of the function that it returns:
   * `connect` fails with `ERR_MEM`, and connections to its listeners are reset.
   */
  starve(): () => void {
    const shortage = {};
    this.#machine.shortages.add(shortage);
    return () => this.#machine.shortages.delete(shortage);
  }

  // ---- the port

  post(job: () => void): void {
    this.#network.turns.post(job);
  }

  resolve(host: string, onAnswer: (fault: Fault | undefined, addresses: readonly string[]) => void): Cancel {
    let isWanted = true;
    const answer = (error: Error | null, addresses: readonly string[]): void => {
      this.#network.turns.event(() => {
        if (!isWanted) return;
        isWanted = false;
        const isFound = error === null && addresses.length > 0;
        if (isFound) onAnswer(undefined, addresses);
        else onAnswer({ code: ErrorCode.ERR_DNS, cause: error ?? undefined }, []);
      });
    };
    try {
      this.#lookup(host, answer);
    } catch (error) {
      answer(error instanceof Error ? error : new Error(String(error)), []);
    }
    return () => {
      isWanted = false;
    };
  }

  connect(target: ConnectTarget, events: AttemptEvents): Attempt {
    return new MemoryAttempt(this.#machine, target, events);
  }

  listen(target: ListenTarget, events: ListenerEvents): Listener | Fault {
    const address = target.address === undefined ? EVERY_ADDRESS : canonical(target.address);
    const binding = this.#network.ports.bind(address, target.port, target.reusePort);
    if (binding !== undefined)
      return new MemoryListener(this.#machine, binding, events, target.receiveWindowBytes);
    const cause = new Error(`listen on ${address} port ${target.port}: it is in use`);
    return { code: ErrorCode.ERR_USE, cause };
  }

  holdings(): Holdings {
    return holdingsOf(this.#machine);
  }

  close(): Promise<void> {
    endAll(this.#machine);
    return Promise.resolve();
  }
}

function lookupLocalhost(host: string, answer: Parameters<Lookup>[1]): void {
  if (host === 'localhost') answer(null, ['127.0.0.1', '::1']);
  else answer(new Error(`no address is known for ${host}: pass the option lookup`), []);
}
