/**
 * The stack on the kernel's TCP, by the native addon: one epoll descriptor for all sockets of a thread,
 * watched by the runtime's loop.
 *
 * The kernel reports the peer's acknowledgements, so `onAcked` means that the peer's TCP has the bytes.
 */
import type { NativeAddon } from '../../addon/native-addon.js';
import type { NativeSockets } from '../../addon/native-sockets.js';
import type { Capabilities } from '../../port/capabilities.js';
import {
  type Attempt,
  type AttemptEvents,
  type Cancel,
  type ConnectTarget,
  type Fault,
  type Holdings,
  type Listener,
  type ListenerEvents,
  type ListenTarget,
  type StackLimits,
  type TcpStack,
} from '../../port/tcp-stack.js';
import type { Clock } from '../../support/clock.js';
import { TimerWheel } from '../../support/timer-wheel.js';
import { CopySlab } from '../system/copy-slab.js';
import { FailedAttempt, type FailedAttemptContext } from '../system/failed-attempt.js';
import { LingerRegistry } from '../system/linger-registry.js';
import { MAX_LINGERING } from '../system/lingering.js';
import { setImmediate } from '../../support/immediate.js';
import { polledClock } from '../system/polled-clock.js';
import { resolveWith } from '../system/resolver.js';
import { budgetOfThread, type SendBudget } from '../system/send-budget.js';
import { connectionFault } from '../system/system-fault.js';
import {
  HONOURED_SYMBOLS,
  limitsOf,
  type KernelStackOptions,
  type Lookup,
} from '../system/system-stack-options.js';
import { KernelAttempt } from './kernel-attempt.js';
import type { ConnectionContext } from './connection-context.js';
import { KernelListener } from './kernel-listener.js';
import { loopOf, type SocketLoop } from './socket-loop.js';
import { callOf, isOutOfDescriptors, systemError } from './system-error.js';

/**
 * Bytes in flight of one connection: Linux lets its own send buffer grow to this number (`tcp_wmem`). A
 * smaller number stalls a fast path while the acknowledgements travel. The number is a limit and reserves no
 * memory.
 */
export const SEND_BUFFER_BYTES = 4_194_304;
/** Two of the largest reads, so that withholding one does not stop the other. */
export const RECEIVE_WINDOW_BYTES = 131_072;

export class KernelStack implements TcpStack, ConnectionContext, FailedAttemptContext {
  readonly name = 'kernel';
  readonly capabilities: Capabilities;
  readonly limits: StackLimits;
  readonly honours: ReadonlySet<string> = new Set([...HONOURED_SYMBOLS, 'CONFIG_ASYNC_TCP_QUEUE_SIZE']);
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly loop: SocketLoop;
  readonly slab = new CopySlab();
  readonly isExact: boolean;
  readonly budget: SendBudget;
  readonly lingerers: LingerRegistry;
  readonly failedAttempts = new Set<FailedAttempt>();
  readonly #lookup: Lookup | undefined;
  /** SO_RCVBUF of the sockets, 0 for the system's own, which grows with the path. */
  readonly #receiveBuffer: number;

  /** @param queueSize events that a turn of the thread's loop dispatches at most; its own if left out. */
  constructor(addon: NativeAddon, options: KernelStackOptions = {}, queueSize?: number) {
    this.loop = loopOf(addon);
    if (queueSize !== undefined) this.loop.setQueueSize(queueSize);
    // Throws if the system has no epoll, or no descriptor for it.
    this.isExact = this.loop.native.canPeek;
    this.loop.endUnlessUsed();
    this.capabilities = Object.freeze<Capabilities>({
      acknowledgement: 'peer',
      receiveWindow: this.isExact ? 'exact' : 'bounded',
      abort: true,
      halfClose: true,
      keepAlive: true,
      keepAliveProbes: true,
      ipv6: true,
      reusePort: true,
      connectReusePort: true,
      pathMss: true,
      virtualTime: false,
    });
    this.limits = limitsOf(options, {
      sendBufferBytes: SEND_BUFFER_BYTES,
      receiveWindowBytes: RECEIVE_WINDOW_BYTES,
    });
    // Linux doubles the number, for its own bookkeeping (socket(7)).
    this.#receiveBuffer = options.receiveWindowBytes ?? 0;
    this.clock = options.clock ?? polledClock;
    this.timers = new TimerWheel(this.clock);
    this.budget = budgetOfThread(this.limits.sendBudgetBytes);
    this.lingerers = new LingerRegistry(this.timers, MAX_LINGERING, this.limits.sendBudgetBytes);
    this.#lookup = options.lookup;
  }

  post(job: () => void): void {
    setImmediate(job);
  }

  resolve(host: string, onAnswer: (fault: Fault | undefined, addresses: readonly string[]) => void): Cancel {
    return resolveWith(this.#lookup, host, onAnswer);
  }

  connect(target: ConnectTarget, events: AttemptEvents): Attempt {
    const native = this.loop.tryOpen();
    // The loop was closed with its last socket, and cannot be opened again now.
    if (native instanceof Error) return new FailedAttempt(this, connectionFault(native, false), events);
    return this.#connect(target, events, native);
  }

  #connect(target: ConnectTarget, events: AttemptEvents, native: NativeSockets): Attempt {
    const { address, port, localAddress, localPort } = target;
    const buffer = target.receiveWindowBytes ?? this.#receiveBuffer;
    const reusePort = target.reusePort === true ? 1 : 0;
    const begin = (): number => native.connect(address, localAddress, port, localPort, buffer, reusePort);
    let slot = begin();
    // A lingering connection gives its descriptor to a new one.
    if (slot < 0 && isOutOfDescriptors(slot) && this.lingerers.evictStalled()) slot = begin();
    if (slot >= 0) {
      const receiveWindowBytes = target.receiveWindowBytes ?? this.limits.receiveWindowBytes;
      if (target.leavesAtExit === true) native.leave(slot);
      return new KernelAttempt(this, slot, { address, port, localPort, receiveWindowBytes }, events);
    }
    const own = { address: localAddress ?? (address.includes(':') ? '::' : '0.0.0.0'), port: localPort };
    const error =
      callOf(slot) === 'bind' ? systemError(slot, own) : systemError(slot, { address, port }, own);
    const fault = connectionFault(error, localPort !== 0);
    this.loop.endUnlessUsed();
    return new FailedAttempt(this, fault, events);
  }

  listen(target: ListenTarget, events: ListenerEvents): Listener | Fault {
    return KernelListener.listen(this, target, events, target.receiveWindowBytes ?? this.#receiveBuffer);
  }

  holdings(): Holdings {
    const attempts = this.failedAttempts.size;
    const count = { connections: 0, attempts, listeners: 0, lingering: 0 };
    let timers = this.timers.size;
    for (const owner of this.loop.ownersOf(this)) {
      count[owner.holding()] += 1;
      if (owner.hasTimer?.() === true) timers += 1;
    }
    return { ...count, timers };
  }

  close(): Promise<void> {
    for (const owner of this.loop.ownersOf(this)) owner.reset();
    this.failedAttempts.clear();
    // Jobs that were posted before find every owner closed.
    return new Promise((resolve) => {
      this.post(resolve);
    });
  }
}
