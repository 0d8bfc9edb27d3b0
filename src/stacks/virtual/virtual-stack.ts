/**
 * The stack on `netstack`, this package's own TCP/IP: simulated networks in virtual time, and hosts on a
 * TAP or TUN device. A driver (`driver.ts`) gives packets and the time to the host, and calls `step`.
 *
 *     virtual-stack      the stack: connecting, listening, look-ups, one step
 *     virtual-attempt, virtual-listener, virtual-connection      the port's other interfaces
 *     sending-half, backlog, send-shares     the sending half of a connection
 *     lent-view, piece-pace     received bytes that a handler has, and the pace of withheld pieces
 *     ending             the end of a connection, and lingering
 *     turns, reporter    the order of events, jobs and timers
 *     stack-context      the state that all of them share
 */
import type { Profile } from '../../netstack/profile.js';
import type { TcpApi } from '../../netstack/raw-api.js';
import { Address } from '../../netstack/wire/address.js';
import type { Capabilities } from '../../port/capabilities.js';
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
import { flushGathered } from '../../support/callback-scope.js';
import type { Clock } from '../../support/clock.js';
import type { TimerWheel } from '../../support/timer-wheel.js';
import type { Driven, StackDriver } from './driver.js';
import { refusalFault } from './faults.js';
import { lookupLocalhost, NameLookup } from './name-lookup.js';
import { StackContext } from './stack-context.js';
import { VirtualAttempt } from './virtual-attempt.js';
import { VirtualListener } from './virtual-listener.js';

const CLOSE_TIMEOUT_MS = 30_000;
const SEND_BUDGET_BYTES = 268_435_456;
const LOOPBACK_IPV4 = Address.ofIpv4(0x7f00_0001);
const LOOPBACK_IPV6 = new Address(0, 0, 0, 1);
const EVERY_ADDRESS = '::';

/** A host's TCP/IP, as a stack uses it: a `NetStack`. */
export interface VirtualHost {
  readonly profile: Profile;
  readonly tcp: TcpApi;
  /** Sends what became due. */
  flush(): void;
}

/** Numbers of a stack. The host's profile gives those that are left out. */
export interface VirtualStackLimits {
  /** Bytes that one connection takes before any is acknowledged. */
  readonly sendBufferBytes?: number | undefined;
  /** Bytes that one connection delivers before any is consumed. */
  readonly receiveWindowBytes?: number | undefined;
  /** Milliseconds without progress after which a connection that closes is reset. Default 30000. */
  readonly closeTimeoutMs?: number | undefined;
  /** Bytes that all connections may have unacknowledged together. Default 268435456. */
  readonly sendBudgetBytes?: number | undefined;
  /** Connections at once. */
  readonly maxActiveTcp?: number | undefined;
}

export interface VirtualStackOptions extends VirtualStackLimits {
  readonly netstack: VirtualHost;
  readonly driver: StackDriver;
  /** Name of the stack in messages. Default `virtual`. */
  readonly name?: string | undefined;
  /** Looks names up. Default: `localhost` alone has addresses. */
  readonly lookup?: Lookup | undefined;
}

export class VirtualStack implements TcpStack, Driven {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly honours: ReadonlySet<string> = new Set([
    'CONFIG_LWIP_MAX_ACTIVE_TCP',
    'CONFIG_LWIP_TCP_SND_BUF_DEFAULT',
    'CONFIG_LWIP_TCP_WND_DEFAULT',
    'CONFIG_ASYNC_TCP_CLOSE_TIMEOUT',
    'CONFIG_ASYNC_TCP_SND_BUDGET',
  ]);
  /** A host in real time, as on a TAP device, has the system's names unless it has a look-up function. */
  readonly hasOwnNames: boolean;
  readonly limits: StackLimits;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly #host: VirtualHost;
  readonly #context: StackContext;
  readonly #lookup: Lookup;
  #lastDestination: { readonly text: string; readonly address: Address } | undefined;

  constructor(options: VirtualStackOptions) {
    const { netstack, driver } = options;
    const { tcp } = netstack.profile;
    this.name = options.name ?? 'virtual';
    this.limits = {
      maxActiveTcp: options.maxActiveTcp ?? tcp.maxConnections,
      sendBufferBytes: options.sendBufferBytes ?? tcp.sendBufferBytes,
      receiveWindowBytes: options.receiveWindowBytes ?? tcp.receiveWindowBytes,
      closeTimeoutMs: options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS,
      sendBudgetBytes: options.sendBudgetBytes ?? SEND_BUDGET_BYTES,
    };
    this.capabilities = Object.freeze<Capabilities>({
      acknowledgement: 'peer',
      receiveWindow: 'exact',
      abort: true,
      halfClose: true,
      keepAlive: true,
      keepAliveProbes: true,
      ipv6: true,
      reusePort: true,
      connectReusePort: true,
      pathMss: true,
      virtualTime: driver.isRealTime !== true,
    });
    this.#host = netstack;
    this.#context = new StackContext(netstack.tcp, driver, this.limits);
    this.#lookup = options.lookup ?? lookupLocalhost;
    this.hasOwnNames = options.lookup !== undefined || driver.isRealTime !== true;
    this.clock = driver.clock;
    this.timers = this.#context.timers;
  }

  /**
   * Does one piece of work: one event of the program, one posted job, or the due timers of one time. When
   * nothing is left, sends the acknowledgements that no data of the program has carried, and returns
   * false.
   */
  step(): boolean {
    const context = this.#context;
    const { turns } = context;
    context.isInStep = true;
    try {
      if (turns.next()) return true;
    } finally {
      context.isInStep = false;
    }
    this.#host.flush();
    // Sending may have brought an event.
    return this.#host.tcp.hasReady;
  }

  post(job: () => void): void {
    this.#context.turns.post(job);
  }

  resolve(host: string, onAnswer: (fault: Fault | undefined, addresses: readonly string[]) => void): Cancel {
    const lookup = new NameLookup(this.#context.turns, onAnswer);
    lookup.begin(this.#lookup, host);
    return () => {
      lookup.cancel();
    };
  }

  connect(target: ConnectTarget, events: AttemptEvents): Attempt {
    const { localAddress, port, localPort, receiveWindowBytes, reusePort } = target;
    const address = this.#destination(target.address);
    const local = localAddress === undefined ? undefined : parse(localAddress);
    // The SYN follows bytes that were written earlier.
    flushGathered();
    const opened = this.#host.tcp.connect({
      address,
      port,
      localAddress: local,
      localPort,
      sharesPort: reusePort,
      sendBufferBytes: this.limits.sendBufferBytes,
      receiveWindowBytes: receiveWindowBytes ?? this.limits.receiveWindowBytes,
    });
    if (typeof opened !== 'string') return new VirtualAttempt(this.#context, opened, events);
    const isOfLocalEnd = opened === 'inUse' || opened === 'notLocal';
    const fault = isOfLocalEnd
      ? refusalFault(opened, 'connect from', { address: local?.toString() ?? '', port: localPort })
      : refusalFault(opened, 'connect to', { address: address.toString(), port });
    return new VirtualAttempt(this.#context, fault, events);
  }

  /** Returns the address of a text. Connections to one server share it. */
  #destination(text: string): Address {
    if (this.#lastDestination?.text !== text) {
      this.#lastDestination = { text, address: destination(parse(text)) };
    }
    return this.#lastDestination.address;
  }

  listen(target: ListenTarget, events: ListenerEvents): Listener | Fault {
    const { port, backlog, reusePort, receiveWindowBytes } = target;
    const address = target.address === undefined ? undefined : parse(target.address);
    // `::` is every address, of both families, on every stack.
    const isEvery = address?.isUnspecified() !== false && address?.family !== 4;
    const text = address === undefined || isEvery ? EVERY_ADDRESS : address.toString();
    const opened = this.#host.tcp.listen({
      address: isEvery ? undefined : address,
      port,
      backlog,
      sharesPort: reusePort,
      sendBufferBytes: this.limits.sendBufferBytes,
      receiveWindowBytes: receiveWindowBytes ?? this.limits.receiveWindowBytes,
    });
    if (typeof opened === 'string') return refusalFault(opened, 'listen on', { address: text, port });
    return new VirtualListener(this.#context, opened, text, events);
  }

  holdings(): Holdings {
    return holdingsOf(this.#context);
  }

  close(): Promise<void> {
    endAll(this.#context);
    this.#context.wake();
    return Promise.resolve();
  }
}

/** Returns the address of a text; the zone of a link-local address is that of the only link. */
function parse(text: string): Address {
  const zone = text.indexOf('%');
  const address = Address.parse(zone < 0 ? text : text.slice(0, zone));
  if (address === undefined) throw new TypeError(`'${text}' is no IP address`);
  return address;
}

/**
 * Returns the address that a connection to `address` reaches: for an unspecified one, the loopback address.
 */
function destination(address: Address): Address {
  if (!address.isUnspecified()) return address;
  return address.family === 4 ? LOOPBACK_IPV4 : LOOPBACK_IPV6;
}
