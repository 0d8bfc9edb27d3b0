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
import { Link, type LinkOptions } from '../link/link.js';
import { Timeline } from '../link/timeline.js';
import { FramePool } from '../netstack/frame.js';
import { systemRandom } from '../support/random.js';
import { SeededRandom } from '../support/seeded-random.js';
import { EventLoop } from './event-loop.js';
import { Host, type Attachment, type HostOptions, type MakeStack } from './host.js';
import { commandWords, environment } from './runtime.js';
import { SEED_VARIABLE } from './simulation-error.js';

/** Hosts of one network. */
export const MOST_HOSTS = 65_536;

export interface NetworkOptions {
  /** Default: the environment's ASYNCTCP_SEED, else a random one. */
  readonly seed?: number | string;
  /**
   * Events of different hosts at one instant: in the order in which they were scheduled, or shuffled by the
   * seed. Default: `scheduled`.
   */
  readonly ties?: 'scheduled' | 'shuffled';
  /** Events at one instant after which a run fails. Default: 100,000. */
  readonly mostEventsAtOneInstant?: number;
  /** Command that errors give to repeat the run. Default: the command of this process with the seed. */
  readonly command?: string;
  /** Makes the hosts' stacks. */
  readonly makeStack: MakeStack;
}

export class Network {
  readonly seed: number | string;
  readonly frames = new FramePool();
  readonly #random: SeededRandom;
  readonly #timeline: Timeline;
  readonly #loop: EventLoop;
  readonly #makeStack: MakeStack;
  readonly #hosts = new Map<string, Host>();
  readonly #links = new Map<string, Link>();

  constructor(options: NetworkOptions) {
    const fromOutside = environment(SEED_VARIABLE);
    this.seed = options.seed ?? fromOutside ?? Math.floor(systemRandom() * 2 ** 32);
    this.#random = SeededRandom.of(this.seed);
    this.#timeline = new Timeline(options.ties === 'shuffled' ? this.#random.fork('ties') : undefined);
    this.#loop = new EventLoop({
      timeline: this.#timeline,
      seed: this.seed,
      command: options.command ?? repeatCommand(this.seed, options.seed !== undefined),
      mostEventsAtOneInstant: options.mostEventsAtOneInstant,
    });
    this.#makeStack = options.makeStack;
  }

  /** Virtual time since the start in milliseconds. */
  get nowMs(): number {
    return this.#loop.nowMs;
  }

  /**
   * Adds a host.
   * @throws Error if the name is taken or an address is none.
   */
  host(name: string, options: HostOptions = {}): Host {
    if (this.#hosts.has(name)) throw this.#loop.error('misuse', `there is a host ${name} already`);
    if (this.#hosts.size >= MOST_HOSTS)
      throw this.#loop.error('misuse', `a network has at most ${MOST_HOSTS} hosts`);
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
        makeStack: this.#makeStack,
      },
    );
    this.#hosts.set(name, host);
    return host;
  }

  /** Joins two hosts, which then reach each other's addresses. */
  link(a: Host, b: Host, options: LinkOptions = {}): Link {
    const pair = `${a.name} - ${b.name}`;
    let name = pair;
    for (let number = 2; this.#links.has(name); number += 1) name = `${pair} ${number}`;
    const link = new Link(
      [
        { name: a.name, hostId: a.id },
        { name: b.name, hostId: b.id },
      ],
      options,
      { timeline: this.#timeline, frames: this.frames, random: this.#random.fork(`link ${name}`), name },
    );
    this.#links.set(name, link);
    const { medium, mtu, forward, backward } = link;
    this.#join(a, b, { medium, mtu, outgoing: forward, incoming: backward });
    this.#join(b, a, { medium, mtu, outgoing: backward, incoming: forward });
    return link;
  }

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
  runUntil<Value>(
    promise: PromiseLike<Value>,
    { limitMs }: { readonly limitMs?: number } = {},
  ): Promise<Value> {
    return this.#loop.runUntil(promise, limitMs);
  }

  /**
   * As `run`, at once, for programs without promises: neither ticks nor microtasks run before it returns.
   * @throws SimulationError if a handler throws; Error if the network runs already.
   */
  runSync(ms: number): void {
    this.#loop.runSync(ms);
  }

  /** Runs `job` at a time of the network. Returns a function that takes it back. */
  at(ms: number, job: () => void): () => void {
    return this.#loop.at(ms, job);
  }

  /** Stops the virtual time until a promise of the real world is settled: a file, a process, a socket. */
  live<Value>(promise: PromiseLike<Value>): Promise<Value> {
    return this.#loop.live(promise);
  }

  #join(host: Host, peer: Host, end: Omit<Attachment, 'addresses' | 'name'>): void {
    const attachment = { ...end, name: `to ${peer.name}`, addresses: host.addresses };
    host.attach(attachment);
    for (const address of peer.addresses) host.addRouteThrough(address, attachment);
  }

  #nextAddress(): string {
    for (let number = 1; number < 255; number += 1) {
      const address = `10.0.0.${number}`;
      if (![...this.#hosts.values()].some((host) => host.addresses.includes(address))) return address;
    }
    throw this.#loop.error('misuse', 'no address of 10.0.0.0/24 is free: give the host one');
  }

  #lookUp(name: string, answer: (error: Error | null, addresses: readonly string[]) => void): void {
    const host = this.#hosts.get(name.replace(/\.local\.?$|\.$/, ''));
    if (host !== undefined) answer(null, host.addresses);
    else if (name === 'localhost') answer(null, ['127.0.0.1', '::1']);
    else answer(new Error(`there is no host ${name} in the network`), []);
  }
}

/**
 * Returns the command that repeats this program with the seed; `isFixed`: the program sets the seed itself.
 */
function repeatCommand(seed: number | string, isFixed: boolean): string {
  const words = commandWords();
  if (words.length === 0) return `new Network({ seed: ${JSON.stringify(seed)} })`;
  return isFixed ? words.join(' ') : [`${SEED_VARIABLE}=${seed}`, ...words].join(' ');
}
