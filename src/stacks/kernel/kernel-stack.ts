/**
 * The stack on the kernel's TCP, by the native addon: one epoll descriptor for all sockets of a thread,
 * watched by the runtime's loop.
 *
 * The kernel tells what the peer has acknowledged, so `acked` means that the peer's TCP has the bytes.
 */
import type { NativeAddon } from '../../addon/native-addon.js';
import type { NativeSockets } from '../../addon/native-sockets.js';
import type { Capabilities } from '../../port/capabilities.js';
import type {
  Cancel,
  Connection,
  ConnectionEvents,
  ConnectTarget,
  Fault,
  Listener,
  ListenerEvents,
  ListenTarget,
  StackLimits,
  TcpStack,
} from '../../port/tcp-stack.js';
import { TimerWheel } from '../../support/timer-wheel.js';
import { CopySlab } from '../system/copy-slab.js';
import { LingerRegistry } from '../system/linger-registry.js';
import { MAX_LINGERING } from '../system/lingering.js';
import { setImmediate } from '../../support/immediate.js';
import { polledClock } from '../system/polled-clock.js';
import { resolveWith } from '../system/resolver.js';
import { budgetOfThread, type SendBudget } from '../system/send-budget.js';
import { connectionFault } from '../system/system-fault.js';
import { limitsOf, type KernelStackOptions, type Lookup } from '../system/system-stack-options.js';
import { KernelConnection, type ConnectionContext } from './kernel-connection.js';
import { KernelListener } from './kernel-listener.js';
import { RefusedConnection } from './refused-connection.js';
import { loopOf, type SocketLoop } from './socket-loop.js';
import { callOf, isOutOfDescriptors, systemError } from './system-error.js';

/**
 * Bytes in flight of one connection: what Linux lets its own send buffer grow to (`tcp_wmem`). With less, a
 * fast path stands still while the acknowledgements travel. It is a limit, no memory.
 */
export const SEND_BUFFER_BYTES = 4_194_304;
/** Two of the largest reads, so that withholding one does not stop the other. */
export const RECEIVE_WINDOW_BYTES = 131_072;

export class KernelStack implements TcpStack, ConnectionContext {
  readonly name = 'kernel';
  readonly capabilities: Capabilities;
  readonly limits: StackLimits;
  readonly timers: TimerWheel;
  readonly loop: SocketLoop;
  readonly slab = new CopySlab();
  readonly isExact: boolean;
  readonly budget: SendBudget;
  readonly lingerers: LingerRegistry;
  readonly #lookup: Lookup | undefined;
  /** SO_RCVBUF of the sockets, 0 for the system's own, which grows with the path. */
  readonly #receiveBuffer: number;

  /** @param queueSize events that a turn of the thread's loop dispatches at most; its own if left out. */
  constructor(addon: NativeAddon, options: KernelStackOptions = {}, queueSize?: number) {
    this.loop = loopOf(addon);
    if (queueSize !== undefined) this.loop.setQueueSize(queueSize);
    // It throws where the system has no epoll, or no descriptor for it.
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
    this.timers = new TimerWheel(options.clock ?? polledClock);
    this.budget = budgetOfThread(this.limits.sendBudgetBytes);
    this.lingerers = new LingerRegistry(this.timers, MAX_LINGERING, this.limits.sendBudgetBytes);
    this.#lookup = options.lookup;
  }

  post(job: () => void): void {
    setImmediate(job);
  }

  resolve(host: string, answer: (fault: Fault | undefined, addresses: readonly string[]) => void): Cancel {
    return resolveWith(this.#lookup, host, answer);
  }

  connect(target: ConnectTarget, events: ConnectionEvents): Connection {
    const native = this.loop.tryOpen();
    // It was closed with its last socket, and cannot be opened again now.
    if (native instanceof Error) return new RefusedConnection(this, connectionFault(native, false), events);
    return this.#connect(target, events, native);
  }

  #connect(target: ConnectTarget, events: ConnectionEvents, native: NativeSockets): Connection {
    const { address, port, localAddress, localPort } = target;
    const buffer = target.receiveWindowBytes ?? this.#receiveBuffer;
    const reusePort = target.reusePort === true ? 1 : 0;
    const begin = (): number => native.connect(address, localAddress, port, localPort, buffer, reusePort);
    let slot = begin();
    // A peer that is only waited for must not keep a new one out.
    if (slot < 0 && isOutOfDescriptors(slot) && this.lingerers.cutStandstill()) slot = begin();
    if (slot >= 0) {
      const destination = { address, port, localPort };
      return new KernelConnection(this, slot, events, destination, target.receiveWindowBytes);
    }
    const own = { address: localAddress ?? '0.0.0.0', port: localPort };
    const end = callOf(slot) === 'bind' ? own : { address, port };
    const fault = connectionFault(systemError(slot, end), localPort !== 0);
    return new RefusedConnection(this, fault, events);
  }

  listen(target: ListenTarget, events: ListenerEvents): Listener {
    return new KernelListener(this, target, events, target.receiveWindowBytes ?? this.#receiveBuffer);
  }
}
