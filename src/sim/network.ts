/**
 * Networks that run in a program: hosts, links, one clock and one seed. The same seed and the same program
 * give the same packets at the same times.
 *
 *     const network = new Network({ seed: 1 });
 *     const device = network.host('device', { profile: 'esp32', address: '10.0.0.2' });
 *     const gateway = network.host('gateway', { address: '10.0.0.1' });
 *     const link = network.link(device, gateway, { delayMs: 20, loss: 0.01 });
 *     … new AsyncServer(80, { stack: gateway.stack }) …
 *     await network.run(500);
 */
import { Capture } from '../link/capture.js';
import { checkLinkOptions } from '../link/check-impairments.js';
import type { Direction } from '../link/direction.js';
import type { LinkTap } from '../link/ports.js';
import { Link, type LinkOptions } from '../link/link.js';
import { LinkLog } from '../link/link-log.js';
import { PacketPrinter } from '../link/packet-printer.js';
import type { CaptureSink } from '../link/pcapng.js';
import { Switch } from '../link/switch.js';
import { Timeline } from '../link/timeline.js';
import { FramePool } from '../netstack/frame.js';
import { checkFunction, checkNames, showValue } from '../support/check-options.js';
import { systemRandom } from '../support/random.js';
import { SeededRandom } from '../support/seeded-random.js';
import { shellWord } from '../support/shell-word.js';
import { bare, type Attachment, type Neighbour } from './attachment.js';
import { checkHostName, checkNetworkOptions, checkText } from './check-network.js';
import { EventLoop } from './event-loop.js';
import { addressesOf, answerAsNode, type NodeLookupAnswer, type NodeLookupOptions } from './host-names.js';
import { checkHostOptions, Host, type HostOptions } from './host.js';
import { installGlobals } from './install-globals.js';
import { Lan, type LanOptions } from './lan.js';
import { Separation, type Pair, type Partition } from './partition.js';
import { commandWords, environment } from './runtime.js';
import { SEED_VARIABLE } from './simulation-error.js';

/** Hosts of one network, unless it has another limit. */
export const MOST_HOSTS = 65_536;

const DEFAULT_EPOCH_MS = 1_735_689_600_000;

export interface NetworkOptions {
  /** A whole number, or a text. Default: the environment's ASYNCTCP_SEED, else a random number. */
  readonly seed?: number | string;
  /**
   * Events of different hosts at one instant: in the order in which they were scheduled, or shuffled by the
   * seed. Default: `scheduled`.
   */
  readonly ties?: 'scheduled' | 'shuffled';
  /** Events at one instant after which a run fails. Default: 100,000. */
  readonly mostEventsAtOneInstant?: number;
  /** Hosts after which another one is refused. Default: 65,536. */
  readonly mostHosts?: number;
  /** Time of day at the start, in milliseconds since 1970. Default: the first of January 2025, 00:00 UTC. */
  readonly epochMs?: number;
  /**
   * Command that errors give to repeat the run. Default: the command of this process, or of vitest or Jest,
   * with the seed.
   */
  readonly command?: string;
}

export class Network {
  readonly seed: number | string;
  /** Time of day at the start, in milliseconds since 1970. */
  readonly epochMs: number;
  readonly frames = new FramePool();
  readonly #random: SeededRandom;
  readonly #timeline: Timeline;
  readonly #loop: EventLoop;
  readonly #mostHosts: number;
  readonly #hosts = new Map<string, Host>();
  readonly #links = new Map<string, Link>();
  readonly #pairs: Pair[] = [];
  readonly #lans: Lan[] = [];
  /** The partitions that stand. */
  readonly #partitions = new Set<Separation>();
  #taps: LinkTap[] = [];

  /** @throws TypeError for a name of an option that is none; RangeError for a value that is not allowed. */
  constructor(options: NetworkOptions = {}) {
    checkNetworkOptions(options, MOST_HOSTS);
    const fromOutside = environment(SEED_VARIABLE);
    this.seed =
      options.seed ?? (fromOutside === '' ? undefined : fromOutside) ?? Math.floor(systemRandom() * 2 ** 32);
    this.epochMs = options.epochMs ?? DEFAULT_EPOCH_MS;
    this.#mostHosts = options.mostHosts ?? MOST_HOSTS;
    this.#random = SeededRandom.of(this.seed);
    this.#timeline = new Timeline(options.ties === 'shuffled' ? this.#random.fork('ties') : undefined);
    this.#loop = new EventLoop({
      timeline: this.#timeline,
      seed: this.seed,
      command: options.command ?? repeatCommand(this.seed, options.seed !== undefined),
      mostEventsAtOneInstant: options.mostEventsAtOneInstant,
    });
  }

  /** Virtual time since the start in milliseconds. */
  get nowMs(): number {
    return this.#loop.nowMs;
  }

  /** The hosts in the order in which they were added. */
  get hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  /** The links, those of the LANs included, in the order in which they were added. */
  get links(): readonly Link[] {
    return [...this.#links.values()];
  }

  /**
   * Adds a host.
   * @throws SimulationError if the name is taken, or there are too many hosts; TypeError, RangeError for a
   *   name, an address or another option that cannot be.
   */
  host(name: string, options: HostOptions = {}): Host {
    checkHostName(name);
    checkHostOptions(options);
    if (this.#hosts.has(name)) throw this.#loop.error('misuse', `there is a host ${name} already`);
    if (this.#hosts.size >= this.#mostHosts)
      throw this.#loop.error('misuse', `a network has at most ${this.#mostHosts} hosts`);
    const given = options.address ?? this.#nextAddress();
    const addresses = typeof given === 'string' ? [given] : given;
    const host = new Host(
      name,
      { ...options, addresses },
      {
        loop: this.#loop,
        timeline: this.#timeline,
        frames: this.frames,
        random: this.#random.fork(`host ${name}`),
        lookup: (wanted, answer) => {
          this.#lookUp(wanted, answer);
        },
      },
    );
    this.#hosts.set(name, host);
    return host;
  }

  /**
   * Joins two hosts, which then reach each other's addresses. A router (`forwards`) becomes the default
   * route of a host that has none yet. Behind NAT, the first host is inside.
   * @throws RangeError, TypeError for options that cannot be, and for what is no host of this network.
   */
  link(a: Host, b: Host, options: LinkOptions = {}): Link {
    for (const host of [a, b]) this.#checkHost(host, 'a link joins two hosts of its network');
    if (a === b) throw new RangeError(`a link joins two hosts, not ${a.name} and itself`);
    for (const host of [a, b]) host.checkRoom();
    checkLinkOptions('a link', options);
    const outside = options.nat?.address;
    const owner = [a, b].find(({ addresses }) => addresses.some((address) => bare(address) === outside));
    if (owner !== undefined) {
      throw new RangeError(`nat.address must be an address of its own, not that of ${owner.name}`);
    }
    const link = this.#makeLink(a, b, `${a.name} - ${b.name}`, options);
    this.#pairs.push({ link, a, b });
    for (const partition of this.#partitions) partition.cut({ link, a, b });
    const inside = link.nat?.address;
    this.#join(a, { host: b, addresses: b.addresses.map(bare) }, link, link.forward);
    this.#join(
      b,
      { host: a, addresses: inside === undefined ? a.addresses.map(bare) : [inside] },
      link,
      link.backward,
    );
    return link;
  }

  /** Adds a LAN, for example `network.lan('wifi', { hosts: [phone, lamp], delayMs: 2, powerSave: true })`. */
  lan(name: string, options: LanOptions = {}): Lan {
    checkText('the name of a LAN', name);
    if (this.#lans.some((lan) => lan.name === name))
      throw this.#loop.error('misuse', `there is a LAN ${name} already`);
    const lan = new Lan(name, options, {
      ports: new Switch(this.frames),
      makeLink: (host, linkOptions) => {
        host.checkRoom();
        return this.#makeLink(host, undefined, `${host.name} - ${name}`, linkOptions);
      },
      checkHost: (host) => {
        this.#checkHost(host, `the hosts of the LAN ${name} are hosts of its network`);
      },
      onJoined: (joined) => {
        for (const partition of this.#partitions) partition.divide(joined);
      },
    });
    this.#lans.push(lan);
    return lan;
  }

  /**
   * Cuts all links between the hosts of two groups, those to come as well, and keeps them apart in LANs,
   * until the returned partition is healed or disposed of. Another partition, or `link.cut()`, outlasts it.
   * A way through a host of neither group, such as a router, stays open.
   * @throws TypeError for lists that have other things than hosts of this network; RangeError for a host in
   *   both lists.
   */
  partition(first: readonly Host[], second: readonly Host[]): Partition {
    const isHost = (host: unknown): boolean => host instanceof Host && this.#hosts.get(host.name) === host;
    const partition = new Separation([first, second], isHost, (healed) => {
      this.#partitions.delete(healed);
    });
    this.#partitions.add(partition);
    for (const pair of this.#pairs) partition.cut(pair);
    for (const lan of this.#lans) partition.divide(lan);
    return partition;
  }

  /**
   * Writes the packets of all links as pcapng to a file's stream or a function, until the capture is
   * stopped: each end of a link is an interface, so that a packet is there when it leaves and when it
   * arrives; dropped packets have one of their own. With `at`, the capture has what this host sends and
   * receives alone: each packet once.
   * @throws TypeError for what takes no bytes, and for what is no host of this network.
   */
  capture(sink: CaptureSink, options: { readonly at?: Host | undefined } = {}): Capture {
    checkNames('a capture', options, ['at']);
    const { at } = options;
    if (at !== undefined) this.#checkHost(at, 'a capture is at a host of its network');
    if (typeof sink !== 'function' && typeof Reflect.get(Object(sink), 'write') !== 'function') {
      throw new TypeError(`sink must be a function or have a method write, not ${showValue(sink)}`);
    }
    const capture = new Capture(sink, { seed: this.seed, epochMs: this.epochMs, at: at?.name }, (ended) => {
      this.removeTap(ended);
    });
    this.addTap(capture);
    return capture;
  }

  /** Begins a log of the packets that are sent from now on, on all links: `using log = network.log()`. */
  log(): LinkLog {
    const log = new LinkLog((ended) => {
      this.removeTap(ended);
    });
    this.addTap(log);
    return log;
  }

  /** Writes a line for each packet of all links until it is stopped: `network.print(console.log)`. */
  print(write: (line: string) => void): PacketPrinter {
    checkFunction('write', write);
    const printer = new PacketPrinter(write, (ended) => {
      this.removeTap(ended);
    });
    this.addTap(printer);
    return printer;
  }

  /** Adds what sees the packets of all links, of those to come as well. */
  addTap(tap: LinkTap): void {
    this.#taps.push(tap);
    for (const link of this.#links.values()) link.addTap(tap);
  }

  removeTap(tap: LinkTap): void {
    this.#taps = this.#taps.filter((other) => other !== tap);
    for (const link of this.#links.values()) link.removeTap(tap);
  }

  /**
   * Gives the program the network's time and chance instead of the runtime's, until the returned object is
   * disposed of: setTimeout, setInterval, setImmediate, timers/promises, Date, performance.now,
   * AbortSignal.timeout, Math.random, crypto.getRandomValues. Ticks and promises stay the runtime's.
   * @throws SimulationError if they are installed already, by this network or another one.
   */
  installGlobals(): Disposable {
    return installGlobals(this.#loop, this.#random.fork('globals'), this.epochMs);
  }

  /**
   * Looks names of hosts up for `asynctcp/net` and what stands on it, as the option `lookup` of
   * `net.connect`, `http.request` and others. The signature is that of `dns.lookup`.
   */
  readonly lookup = (
    name: string,
    options: NodeLookupOptions | number | NodeLookupAnswer,
    answer?: NodeLookupAnswer,
  ): void => {
    const done = typeof options === 'function' ? options : answer;
    checkFunction('answer', done);
    this.#loop.setImmediate(() => {
      if (done !== undefined) answerAsNode(name, addressesOf(name, this.#hosts), options, done);
    });
  };

  /**
   * Lets `ms` milliseconds of virtual time pass: all that happens in them, the last instant included. Runs
   * the ticks and microtasks of the program after each of its handlers.
   * @throws SimulationError if a handler throws; Error if the network runs already.
   */
  run(ms: number): Promise<void> {
    return this.#loop.run(ms);
  }

  /**
   * Runs until a promise is settled, and returns its value.
   * @throws SimulationError if the promise is rejected, or cannot settle any more, or does not settle in
   *   `limitMs` milliseconds (default: one hour); Error if the network runs already.
   */
  runUntil<Value>(promise: PromiseLike<Value>, options: { readonly limitMs?: number } = {}): Promise<Value> {
    checkNames('a run', options, ['limitMs']);
    return this.#loop.runUntil(promise, options.limitMs);
  }

  /**
   * As `run`, at once, for programs without promises: neither ticks nor microtasks run before it returns.
   * @throws SimulationError if a handler throws; Error if the network runs already.
   */
  runSync(ms: number): void {
    this.#loop.runSync(ms);
  }

  /**
   * Runs `job` at a time of the network; a time that has passed counts as the present. Returns a function
   * that takes the job back.
   * @throws RangeError unless the time is a number of at least 0; TypeError for a job that is no function.
   */
  at(ms: number, job: () => void): () => void {
    checkFunction('job', job);
    return this.#loop.at(ms, job);
  }

  /** Stops the virtual time until a promise of the real world is settled: a file, a process, a socket. */
  live<Value>(promise: PromiseLike<Value>): Promise<Value> {
    return this.#loop.live(promise);
  }

  #checkHost(host: unknown, text: string): void {
    if (!(host instanceof Host) || this.#hosts.get(host.name) !== host) throw new TypeError(text);
  }

  /** Makes a link; without a second host the other end is a switch. */
  #makeLink(a: Host, b: Host | undefined, pair: string, options: LinkOptions): Link {
    let name = pair;
    for (let number = 2; this.#links.has(name); number += 1) name = `${pair} ${number}`;
    const far =
      b === undefined ? { name: pair.slice(a.name.length + 3), hostId: -1 } : { name: b.name, hostId: b.id };
    const link = new Link([{ name: a.name, hostId: a.id }, far], options, {
      timeline: this.#timeline,
      frames: this.frames,
      random: this.#random.fork(`link ${name}`),
      name,
    });
    this.#links.set(name, link);
    for (const tap of this.#taps) link.addTap(tap);
    return link;
  }

  #join(host: Host, peer: Neighbour, { medium, mtu, forward, backward }: Link, outgoing: Direction): void {
    const attachment: Attachment = {
      outgoing,
      incoming: outgoing === forward ? backward : forward,
      medium,
      mtu,
      name: `to ${peer.host.name}`,
      addresses: host.addresses.map(bare),
      neighbours: () => [peer],
    };
    host.attach(attachment);
    for (const address of peer.addresses) host.addRouteThrough(address, attachment);
    if (peer.host.forwards && !host.forwards) host.addDefaultRoute(peer.host);
  }

  #nextAddress(): string {
    for (let number = 1; number < 255; number += 1) {
      const address = `10.0.0.${number}`;
      if (![...this.#hosts.values()].some((host) => host.addresses.map(bare).includes(address)))
        return address;
    }
    throw this.#loop.error('misuse', 'no address of 10.0.0.0/24 is free: give the host one');
  }

  #lookUp(name: string, answer: (error: Error | null, addresses: readonly string[]) => void): void {
    const addresses = addressesOf(name, this.#hosts);
    if (addresses.length > 0) answer(null, addresses);
    else answer(new Error(`there is no host ${name} in the network`), []);
  }
}

/**
 * Returns the command that repeats this program with the seed; `isFixed`: the program sets the seed itself.
 */
function repeatCommand(seed: number | string, isFixed: boolean): string {
  const words = commandWords();
  if (words.length === 0) return `new Network({ seed: ${JSON.stringify(seed)} })`;
  const command = words.map(shellWord);
  return (isFixed ? command : [`${SEED_VARIABLE}=${shellWord(String(seed))}`, ...command]).join(' ');
}
