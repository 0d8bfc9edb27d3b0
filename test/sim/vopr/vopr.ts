/**
 * One run: a network, its programs and its faults, all drawn from a seed. First the faults play; then the
 * weather is calm, and everything has to come to its end.
 */
import { InvariantChecker } from '#src/netstack/tcp/invariants.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import type { Host } from '#src/sim/host.js';
import { Network } from '#src/sim/network.js';
import { SeededRandom } from '#src/support/seeded-random.js';
import { Census } from './census.js';
import { Dice } from './dice.js';
import { PacketHash } from './packet-hash.js';
import { RunState } from './run-state.js';
import { Station } from './station.js';
import { StreamBook } from './streams.js';
import { drawTopology, type Topology } from './topology.js';
import { Weather } from './weather.js';

/** Time after the faults in which every connection between two ends that live comes to its end. */
const CONVERGENCE_MS = 2_400_000;
/** Time in which the rest ends once every end is closed: 300 s of lingering, 2 × 60 s of TIME_WAIT. */
const CLOSING_MS = 900_000;
const SLICE_MS = 1000;
/** Connections that are tried after all, and the time that each may take. */
const PROBES = 4;
const PROBE_MS = 300_000;

export interface Outcome {
  readonly seed: number;
  readonly census: Census;
  /** Hash of all packets, with their times. */
  readonly hash: string;
  readonly shape: string;
  readonly failure: Error | undefined;
}

export async function play(seed: number): Promise<Outcome> {
  const run = new Vopr(seed);
  let failure: Error | undefined;
  try {
    await run.play();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  run.count();
  return { seed, census: run.census, hash: run.hash.toString(), shape: run.topology.shape, failure };
}

class Vopr {
  readonly census = new Census();
  readonly hash = new PacketHash();
  readonly topology: Topology;
  readonly #network: Network;
  readonly #dice: Dice;
  readonly #weather: Weather;
  readonly #run: RunState;
  readonly #stations: readonly Station[];
  readonly #invariants = new InvariantChecker();
  readonly #faultyMs: number;

  constructor(seed: number) {
    const dice = new Dice(SeededRandom.of(`vopr ${seed}`));
    this.#dice = dice;
    this.#network = new Network({
      seed,
      ties: dice.pick(['scheduled', 'shuffled']),
      command: `npm run sim -- --seed ${seed}`,
    });
    this.#network.addTap(this.hash);
    this.topology = drawTopology(this.#network, dice.fork('topology'));
    this.#weather = new Weather(this.#network, this.topology, dice.fork('weather'), this.census);
    this.#faultyMs = dice.scale(20_000, 1_200_000);
    this.#run = new RunState(this.#network, this.census, {
      book: new StreamBook(this.census),
      isMild: this.#weather.isMild,
      sizeBytes: dice.size(1000, 400_000),
    });
    const { routes, hosts } = this.topology;
    this.#stations = hosts.map((host) => {
      const mine = routes.filter(({ from }) => from === host);
      return new Station(this.#run, host, mine, dice.fork(host.name));
    });
  }

  async play(): Promise<void> {
    for (const station of this.#stations) {
      this.#watch(station.host);
      station.onBoot = () => this.#watch(station.host);
      station.begin();
    }
    this.#weather.begin();
    if (!this.#weather.isMild) this.#disturb();
    await this.#runFor(this.#faultyMs);
    this.census.faultyMs = this.#network.nowMs;
    this.#calm();
    await this.#converge();
  }

  /** Adds the figures of the links to the census. */
  count(): void {
    this.census.virtualMs = this.#network.nowMs;
    this.census.spaces = this.#run.log.spaces;
    for (const link of this.topology.links) this.census.addLink(link);
  }

  /** Checks the invariants of TCP after each step of a host. */
  #watch(host: Host): void {
    const { netstack } = host;
    const flush = netstack.flush.bind(netstack);
    netstack.flush = () => {
      flush();
      this.census.steps += 1;
      for (const connection of netstack.tcp) this.#invariants.check(connection);
    };
  }

  /** Hosts crash, and servers end, at random times. */
  #disturb(): void {
    const dice = this.#dice.fork('disturbances');
    const meanMs = dice.scale(5000, 120_000);
    const again = (): void => {
      this.#network.at(this.#network.nowMs + dice.wait(meanMs), () => {
        if (this.#run.isCalm) return;
        const station = dice.any(this.#stations);
        if (dice.isLucky(0.5)) station?.crash(dice.scale(1, 60_000));
        else station?.restartServer(dice.scale(1, 30_000));
        again();
      });
    };
    again();
  }

  #calm(): void {
    this.#run.isCalm = true;
    this.#weather.calm();
    for (const station of this.#stations) {
      station.boot();
      station.letLinksGo();
    }
  }

  async #runFor(ms: number): Promise<void> {
    const endMs = this.#network.nowMs + ms;
    while (this.#network.nowMs < endMs) {
      await this.#network.run(Math.min(SLICE_MS, endMs - this.#network.nowMs));
      if (this.#run.log.failure !== undefined) throw this.#run.log.failure;
    }
  }

  async #converge(): Promise<void> {
    await this.#settle(CONVERGENCE_MS);
    this.#checkProgress();
    for (const actor of [...this.#run.actors]) actor.endNow();
    await this.#runFor(CLOSING_MS);
    this.#checkOver();
    await this.#probe();
    for (const station of this.#stations) station.end();
    await this.#runFor(CLOSING_MS);
    for (const station of this.#stations) this.#checkHoldings(station.host);
    // The frames that a host had when it crashed are its memory's, which is gone.
    if (this.census.faults.has('a crash')) return;
    // A packet that is under way now and then, as an announcement of ARP, is no leak.
    for (let tries = 0; tries < 5 && this.#network.frames.taken > 0; tries += 1) await this.#runFor(777);
    if (this.#network.frames.taken > 0) throw new Error(`${this.#network.frames.taken} frames are held`);
  }

  /** Runs until all connections are over, for a time at most. */
  async #settle(ms: number): Promise<void> {
    const endMs = this.#network.nowMs + ms;
    while (this.#network.nowMs < endMs && this.#run.actors.size > 0) await this.#runFor(10 * SLICE_MS);
  }

  #checkOver(): void {
    const [left] = this.#run.actors;
    if (left !== undefined) throw new Error(`not over at the end: ${left.describe()}`);
  }

  /** After the faults, hosts reach each other as before. */
  async #probe(): Promise<void> {
    const dice = this.#dice.fork('probes');
    this.#run.isSafe = true;
    for (let count = 0; count < PROBES; count += 1) {
      const route = dice.any(this.topology.routes);
      const station = this.#stations.find(({ host }) => host === route?.from);
      if (route === undefined || station === undefined) return;
      station.probe(route.address);
      await this.#settle(PROBE_MS);
      this.#checkOver();
    }
  }

  /** Two ends of one connection that both live have no reason left to wait. */
  #checkProgress(): void {
    const actors = [...this.#run.actors];
    for (const actor of actors) {
      const { source } = actor.incoming;
      const peer = actors.find(({ outgoing }) => outgoing === source);
      if (peer !== undefined) throw new Error(`no progress:\n  ${actor.describe()}\n  ${peer.describe()}`);
      if (!actor.isConnected) throw new Error(`no outcome: ${actor.describe()}`);
    }
  }

  #checkHoldings(host: Host): void {
    const { netstack, stack } = host;
    const holdings = Object.entries(stack.holdings()).filter(([, count]) => count > 0);
    if (holdings.length > 0) throw new Error(`${host.name} still holds ${JSON.stringify(holdings)}`);
    const { connections, inTimeWait, listeners } = netstack.tcp;
    if (connections + inTimeWait + listeners > 0) {
      const states = [...netstack.tcp].map(
        (c) => Object.entries(TcpState).find(([, s]) => s === c.state)?.[0],
      );
      throw new Error(
        `${host.name}: TCP still has ${connections} connections (${states.join()}), ${inTimeWait} in TIME_WAIT, ${listeners} listeners`,
      );
    }
  }
}
