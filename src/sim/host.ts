/**
 * A host of a network. A host that restarts is a new boot (`boot.ts`): what belongs to the old one is never
 * called again.
 */
import { PROFILES, type Profile, type ProfileName } from '../netstack/profile.js';
import { MOST_INTERFACES, type NetStack } from '../netstack/netstack.js';
import { Prefix } from '../netstack/ip/prefix.js';
import type { VirtualStack, VirtualStackLimits } from '../stacks/virtual/virtual-stack.js';
import {
  checkFlag,
  checkFunction,
  checkNames,
  checkRange,
  checkWhole,
  checkWord,
} from '../support/check-options.js';
import type { Clock } from '../support/clock.js';
import { bare, type Attachment, type Route } from './attachment.js';
import { Boot, type HostSurroundings } from './boot.js';
import { checkAddresses } from './check-addresses.js';
import type { Machine } from './event-loop.js';
import { HostUdp, MOST_PORT, parseAddress, type UdpOptions } from './host-udp.js';
import { showConnection } from './show-connection.js';

export interface HostOptions {
  /** Numbers and habits of its TCP/IP. Default: `linux`. */
  readonly profile?: ProfileName | Profile;
  /**
   * IP addresses, with the length of the prefix of its LAN if that is not 24 or 64 bits. Default: the next
   * free one of 10.0.0.0/24.
   */
  readonly address?: string | readonly string[];
  /** True: the host is a router, and passes packets on that are not for it. Default: false. */
  readonly forwards?: boolean;
  /** Numbers of its stack that are not those of the profile. */
  readonly limits?: VirtualStackLimits;
}

const OPTIONS = ['address', 'forwards', 'limits', 'profile'];
const BYTES = ['receiveWindowBytes', 'sendBudgetBytes', 'sendBufferBytes'] as const;
const LIMITS = [...BYTES, 'closeTimeoutMs', 'maxActiveTcp'];
const MOST_BYTES = 2 ** 40;
const MOST_CLOSE_TIMEOUT_MS = 86_400_000;
const MOST_CONNECTIONS = 2 ** 24;

const RESTARTED = 'was restarted: a program that uses the stack of before waits for ever';

/**
 * Checks options of a host, but for its addresses and its profile.
 * @throws TypeError for names that are none and for what is of another type; RangeError for a number out of
 *   range.
 */
export function checkHostOptions(options: HostOptions): void {
  checkNames('a host', options, OPTIONS);
  checkFlag('forwards', options.forwards);
  const { limits = {} } = options;
  checkNames('limits', limits, LIMITS);
  for (const name of BYTES) checkWhole(`limits.${name}`, limits[name], 1, MOST_BYTES);
  checkRange('limits.closeTimeoutMs', limits.closeTimeoutMs, 0, MOST_CLOSE_TIMEOUT_MS);
  checkWhole('limits.maxActiveTcp', limits.maxActiveTcp, 1, MOST_CONNECTIONS);
}

export class Host implements Machine {
  readonly name: string;
  readonly profile: Profile;
  /** The addresses, as they were given. */
  readonly addresses: readonly string[];
  readonly limits: VirtualStackLimits;
  /** True for a router. */
  readonly forwards: boolean;
  /** Number in the network. */
  readonly id: number;
  readonly #around: HostSurroundings;
  readonly #attachments: Attachment[] = [];
  readonly #routes: Route[] = [];
  #boots = 0;
  #boot: Boot | undefined;

  constructor(
    name: string,
    options: HostOptions & { readonly addresses: readonly string[] },
    around: HostSurroundings,
  ) {
    this.name = name;
    const profile = options.profile ?? 'linux';
    this.profile = typeof profile === 'string' ? profileNamed(profile) : checkProfile(profile);
    this.addresses = checkAddresses(options.addresses, `address of ${name}`);
    this.limits = options.limits ?? {};
    this.forwards = options.forwards ?? false;
    this.#around = around;
    this.id = around.loop.addMachine(this);
    this.restart();
  }

  /** The first address, without the length of its prefix. */
  get address(): string {
    return bare(this.addresses[0] ?? '');
  }

  /** All addresses, those of single LANs included, without the lengths of their prefixes. */
  get allAddresses(): readonly string[] {
    const ofLinks = this.#attachments.flatMap(({ addresses }) => addresses);
    return [...new Set([...this.addresses, ...ofLinks].map(bare))];
  }

  /** True from the start or `restart` until `crash`. */
  get isUp(): boolean {
    return this.#boot !== undefined;
  }

  /**
   * The stack for AsyncClient and AsyncServer; another one after `restart`.
   * @throws Error while the host is down.
   */
  get stack(): VirtualStack {
    return this.#running().stack;
  }

  /**
   * TCP/IP below the stack, for tests and figures; another one after `restart`.
   * @throws Error while the host is down.
   */
  get netstack(): NetStack {
    return this.#running().netstack;
  }

  /**
   * Opens a UDP socket, whose datagrams come as events: `host.udp({ port: 53, onDatagram: (bytes, from,
   * socket) => socket.send(bytes, from.address, from.port) })`. It ends with the boot.
   * @throws SimulationError if the port is in use, the address is not the host's, or the host is down.
   */
  udp(options: UdpOptions = {}): HostUdp {
    const boot = this.#running();
    checkNames('a UDP socket', options, ['address', 'onDatagram', 'onError', 'port']);
    const { address, port } = options;
    checkWhole('port', port, 0, MOST_PORT);
    for (const name of ['onDatagram', 'onError'] as const) {
      if (options[name] !== undefined) checkFunction(name, options[name]);
    }
    const opened = boot.netstack.udp.bind({
      address: address === undefined ? address : parseAddress(address),
      port,
    });
    if (typeof opened !== 'string') return new HostUdp(opened, boot, options);
    throw this.#around.loop.error('misuse', `no UDP socket on ${this.name}: ${opened}`);
  }

  /** Clock of the present boot: its alarms end with it. */
  get clock(): Clock {
    return this.#running().clock;
  }

  /**
   * Stops the host at once: nothing is sent, no handler is called, its memory is gone. Packets that it has
   * sent already arrive, unless `inFlight` is `lost`.
   */
  crash(options: { readonly inFlight?: 'arrives' | 'lost' } = {}): void {
    checkNames('a crash', options, ['inFlight']);
    const { inFlight = 'arrives' } = options;
    checkWord('inFlight', inFlight, ['arrives', 'lost']);
    const boot = this.#boot;
    if (boot === undefined) return;
    this.#boot = undefined;
    boot.die();
    for (const { incoming, outgoing } of this.#attachments) {
      incoming.port = undefined;
      if (inFlight === 'lost') outgoing.dropInFlight('host down');
    }
  }

  /** Boots the host anew, after a crash if it is up. */
  restart(): void {
    this.crash();
    const { random } = this.#around;
    const boot = new Boot(this, this.#around, random.fork(`boot ${this.#boots}`));
    this.#boots += 1;
    this.#boot = boot;
    for (const attachment of this.#attachments) boot.attach(attachment);
    for (const route of this.#routes) boot.addRoute(route);
  }

  /** @throws RangeError if the host has no room for another link. */
  checkRoom(): void {
    // One interface is the loopback.
    if (this.#attachments.length < MOST_INTERFACES - 1) return;
    throw new RangeError(`${this.name} has its ${MOST_INTERFACES - 1} links already`);
  }

  /** Plugs a link in. */
  attach(attachment: Attachment): void {
    this.#attachments.push(attachment);
    this.#boot?.attach(attachment);
  }

  /**
   * Adds a route through a host that this one is joined to: `addRoute('0.0.0.0/0', router)`.
   * @throws SimulationError if no link or LAN joins them; TypeError, RangeError if the prefix is none.
   */
  addRoute(prefix: string, via: Host): void {
    Prefix.parse(prefix);
    if (!(via instanceof Host)) throw new TypeError('a route leads through a host');
    for (const attachment of this.#attachments) {
      const gateway = attachment.neighbours().find(({ host }) => host === via);
      if (gateway === undefined) continue;
      const family = prefix.includes(':') ? 6 : 4;
      const address = gateway.addresses.find((text) => text.includes(':') === (family === 6));
      this.addRouteThrough(prefix, attachment, attachment.medium === 'ip' ? undefined : bare(address ?? ''));
      return;
    }
    throw this.#around.loop.error('misuse', `nothing joins ${this.name} to ${via.name}`);
  }

  /** Adds the default routes through a router, of the families of its addresses, unless there are some. */
  addDefaultRoute(router: Host): void {
    for (const [prefix, mark] of [
      ['0.0.0.0/0', '.'],
      ['::/0', ':'],
    ] as const) {
      const isReached = router.addresses.some((address) => address.includes(mark));
      if (isReached && !this.#routes.some((route) => route.prefix === prefix)) this.addRoute(prefix, router);
    }
  }

  /** Adds a route through an end of a link. */
  addRouteThrough(prefix: string, attachment: Attachment, gateway?: string): void {
    const route = { prefix, attachment, gateway };
    this.#routes.push(route);
    this.#boot?.addRoute(route);
  }

  step(): boolean {
    return this.#boot?.step() ?? false;
  }

  waiting(): readonly string[] {
    if (this.#boot === undefined) return ['is down'];
    const lines = Array.from(this.#boot.netstack.tcp, (connection) => showConnection(connection));
    return this.#boots === 1 ? lines : [RESTARTED, ...lines];
  }

  #running(): Boot {
    if (this.#boot === undefined) throw this.#around.loop.error('misuse', `the host ${this.name} is down`);
    return this.#boot;
  }
}

function checkProfile(profile: Profile): Profile {
  const isProfile = typeof profile === 'object' && typeof Reflect.get(profile, 'tcp') === 'object';
  if (isProfile) return profile;
  throw new TypeError('profile must be a name, or an object such as { ...PROFILES.esp32, name: ... }');
}

/** Returns the profile; JavaScript may name one that is none. */
function profileNamed(name: ProfileName): Profile {
  if (Object.hasOwn(PROFILES, name)) return PROFILES[name];
  throw new RangeError(`profile must be one of ${Object.keys(PROFILES).join(', ')}, not ${name}`);
}
