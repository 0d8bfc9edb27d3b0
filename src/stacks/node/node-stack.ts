/**
 * The port on `node:net`: the operating system's TCP on every platform where Node, or what imitates it,
 * runs.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { DuplexOptions } from 'node:stream';
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
import { AcceptQueue } from './accept-queue.js';
import { CopySlab } from '../system/copy-slab.js';
import { LingerRegistry } from '../system/linger-registry.js';
import { STREAM_BYTES } from './inbox.js';
import { canReset, NodeConnection } from './node-connection.js';
import { NodeListener } from './node-listener.js';
import { limitsOf, type Lookup, type NodeStackOptions } from '../system/system-stack-options.js';
import { setImmediate } from '../../support/immediate.js';
import { budgetOfThread, type SendBudget } from '../system/send-budget.js';
import { withNamedZone } from './zone.js';
import { polledClock } from '../system/polled-clock.js';
import { resolveWith } from '../system/resolver.js';

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
    // node:net has SO_REUSEPORT for listeners alone.
    connectReusePort: false,
    pathMss: false,
    virtualTime: false,
  });
  readonly limits: StackLimits;
  readonly timers: TimerWheel;
  readonly slab = new CopySlab();
  readonly acceptQueue = new AcceptQueue();
  readonly budget: SendBudget;
  readonly lingerers: LingerRegistry;
  readonly #lookup: Lookup | undefined;

  constructor(options: NodeStackOptions = {}) {
    this.limits = limitsOf(options, {
      sendBufferBytes: DEFAULT_BUFFER_BYTES,
      receiveWindowBytes: DEFAULT_BUFFER_BYTES,
    });
    this.budget = budgetOfThread(this.limits.sendBudgetBytes);
    this.timers = new TimerWheel(options.clock ?? polledClock);
    this.lingerers = new LingerRegistry(this.timers);
    this.#lookup = options.lookup;
  }

  post(job: () => void): void {
    setImmediate(job);
  }

  resolve(host: string, answer: (fault: Fault | undefined, addresses: readonly string[]) => void): Cancel {
    return resolveWith(this.#lookup, host, answer);
  }

  connect(target: ConnectTarget, events: ConnectionEvents): Connection {
    // The types leave the stream's options out, which the constructor takes.
    const options: SocketConstructorOpts & DuplexOptions = {
      allowHalfOpen: true,
      readableHighWaterMark: STREAM_BYTES,
    };
    const socket = new Socket(options);
    const connection = new NodeConnection(this, socket, events, target.localPort, target.receiveWindowBytes);
    try {
      socket.connect({
        host: withNamedZone(target.address),
        port: target.port,
        ...(target.localAddress === undefined ? {} : { localAddress: withNamedZone(target.localAddress) }),
        ...(target.localPort === 0 ? {} : { localPort: target.localPort }),
      });
    } catch (error) {
      // An address that the runtime reads otherwise than we do, such as one with a zone.
      socket.destroy(error instanceof Error ? error : undefined);
    }
    return connection;
  }

  listen(target: ListenTarget, events: ListenerEvents): Listener {
    return new NodeListener(this, target, events);
  }
}

/**
 * `reusePort` came with Node 22.12 and 23.1; libuv has it where the system spreads connections over the
 * listeners.
 */
export function hasReusePort(version: string, platform: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNewEnough = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
  return isNewEnough && ['linux', 'freebsd', 'aix', 'sunos'].includes(platform);
}
