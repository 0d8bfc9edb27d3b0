/**
 * The port on `node:net`: the operating system's TCP on every platform where Node, or a runtime that imitates
 * it, runs.
 */
import { Socket } from 'node:net';
import type { Capabilities } from '../../port/capabilities.js';
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
import type { Clock } from '../../support/clock.js';
import { setImmediate } from '../../support/immediate.js';
import { TimerWheel } from '../../support/timer-wheel.js';
import { CopySlab } from '../system/copy-slab.js';
import { LingerRegistry } from '../system/linger-registry.js';
import { polledClock } from '../system/polled-clock.js';
import { resolveWith } from '../system/resolver.js';
import { budgetOfThread, type SendBudget } from '../system/send-budget.js';
import {
  HONOURED_SYMBOLS,
  limitsOf,
  type Lookup,
  type NodeStackOptions,
} from '../system/system-stack-options.js';
import { NodeAttempt } from './node-attempt.js';
import { NodeListener } from './node-listener.js';
import { OpenSockets } from './open-sockets.js';
import { canReset } from './socket-facts.js';
import { TakenReports } from './taken-reports.js';

/** Two of the kernel's 64 KiB reads: an echo that writes all that it read finds the space for it. */
export const DEFAULT_BUFFER_BYTES = 131_072;

export class NodeStack implements TcpStack {
  readonly name = 'node';
  readonly capabilities: Capabilities = Object.freeze({
    acknowledgement: 'local',
    receiveWindow: 'bounded',
    abort: canReset(Socket.prototype),
    halfClose: true,
    keepAlive: true,
    // Newer releases of Node, 24.21 and 26 among them, have a method of four parameters.
    keepAliveProbes: Socket.prototype.setKeepAlive.length >= 4,
    ipv6: true,
    reusePort: hasReusePort(process.versions.node, process.platform),
    // `node:net` has SO_REUSEPORT for listeners alone.
    connectReusePort: false,
    pathMss: false,
    virtualTime: false,
  });
  readonly limits: StackLimits;
  // Not CONFIG_ASYNC_TCP_QUEUE_SIZE: libuv decides how many events one turn of the loop has.
  readonly honours: ReadonlySet<string> = new Set(HONOURED_SYMBOLS);
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly slab = new CopySlab();
  readonly takenReports = new TakenReports();
  readonly sockets = new OpenSockets();
  readonly budget: SendBudget;
  readonly lingerers: LingerRegistry;
  readonly #lookup: Lookup | undefined;

  constructor(options: NodeStackOptions = {}) {
    this.limits = limitsOf(options, {
      sendBufferBytes: DEFAULT_BUFFER_BYTES,
      receiveWindowBytes: DEFAULT_BUFFER_BYTES,
    });
    this.budget = budgetOfThread(this.limits.sendBudgetBytes);
    this.clock = options.clock ?? polledClock;
    this.timers = new TimerWheel(this.clock);
    this.lingerers = new LingerRegistry(this.clock);
    this.#lookup = options.lookup;
  }

  post(job: () => void): void {
    setImmediate(job);
  }

  resolve(host: string, onAnswer: (fault: Fault | undefined, addresses: readonly string[]) => void): Cancel {
    return resolveWith(this.#lookup, host, onAnswer);
  }

  connect(target: ConnectTarget, events: AttemptEvents): Attempt {
    return new NodeAttempt(this, target, events);
  }

  listen(target: ListenTarget, events: ListenerEvents): Listener | Fault {
    const listener = new NodeListener(this, target, events);
    return listener.begin(target) ?? listener;
  }

  holdings(): Holdings {
    return { ...this.sockets.count(), timers: this.timers.size };
  }

  close(): Promise<void> {
    return this.sockets.resetAll();
  }
}

/**
 * Returns true if listeners can share a port. `reusePort` came with Node 22.12 and 23.1; libuv has it where
 * the system spreads connections over the listeners.
 */
export function hasReusePort(version: string, platform: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNewEnough = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
  return isNewEnough && ['linux', 'freebsd', 'aix', 'sunos'].includes(platform);
}
