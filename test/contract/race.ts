/**
 * Many connections at once whose two ends are both witnesses, and of which each is struck by a fault at one
 * moment of its life. A moment is a situation that a connection is brought into, and what strikes it there.
 *
 * Call order: `new Arena`, `race` until there were errors enough, then `expectReached`. In a connection:
 * the situation's `begin` when both ends stand, its `on` in every callback of the end that is to be struck;
 * whichever answers true first, then the fault's `strike`.
 */
import type { AsyncClient, ErrorCode } from 'asynctcp';
import type { Env } from './case.js';
import { expect, expectEqual } from './expect.js';
import { STRUCK, Witness, type EventName, type Log } from './checked-client.js';

/** Clients that play one moment at the same time, and lives of each of them in one round. */
const CLIENTS = 4;
const LIVES = 4;
/** One poll of every connection. */
const STEP_MS = 500;
/** Longer than any socket lingers for the peer's FIN. */
const LINGER_MS = 30_000;

export interface Situation {
  readonly name: string;
  /** Which end is struck; one or the other where it is not said. */
  readonly side?: 'near' | 'far';
  /** What the struck end has a handler for; `onAck` is there in every other life too. */
  readonly listens?: 'acks' | 'timeouts' | 'packets';
  /** The other end reads nothing before the blow falls. */
  readonly isUnread?: boolean;
  /** The life is over by then: what strikes finds nobody. */
  readonly isOver?: boolean;
  /** Both ends stand. Answers whether this is the moment. */
  begin?(race: Race, struck: Witness, other: Witness): boolean;
  /** In a callback of the end that is to be struck. Answers whether this is the moment. */
  on?(event: EventName, race: Race, struck: Witness): boolean;
}

export interface Fault {
  readonly name: string;
  /** Dear to bring about: one client is enough. */
  readonly isRare?: boolean;
  strike(race: Race): void;
}

export interface Moment {
  readonly name: string;
  readonly clients?: number;
  readonly situation?: Situation;
  readonly fault?: Fault;
  /** The code at the dialing end where nobody aborted. */
  readonly faultCode?: ErrorCode;
  /** Begins the dialing end's life in another way than to connect to the server. */
  dial?(race: Race): void;
  /** In `onClient`; the dialing end may have heard nothing yet. */
  accepted?(far: Witness, place: Place): void;
}

/** Every moment of some situations: each of them with each fault. */
export function momentsOf(situations: readonly Situation[], faults: readonly Fault[]): Moment[] {
  return situations.flatMap((situation) =>
    faults.map((fault) => ({ name: `${situation.name}: ${fault.name}`, situation, fault })),
  );
}

/** Chance that a seed repeats: a linear congruential generator (Knuth and Lewis, Numerical Recipes). */
class Chance {
  #state: number;

  constructor(seed: number, ...path: number[]) {
    this.#state = seed;
    for (const step of path) {
      this.#state ^= step;
      this.below(1);
      this.below(1);
    }
  }

  /** A whole number below `count`. */
  below(count: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * count);
  }
}

/** One end. The ends that dial, `near` ones, have one life after the other. */
class End extends Witness {
  readonly place: Place;
  race: Race | undefined;

  constructor(client: AsyncClient, place: Place) {
    super(client, place.arena.log, place.arena.env.clientStack.limits.sendBufferBytes);
    this.place = place;
  }

  protected act(event: EventName): void {
    this.place.act(this, event);
  }

  name(): string {
    return this.race?.name() ?? `an accepted client of '${this.place.moment.name}'`;
  }
}

/** One connection on its way to its moment. */
export class Race {
  readonly place: Place;
  readonly chance: Chance;
  readonly near: End;
  far: End | undefined;
  /** The blow has fallen. */
  isStruck = false;
  readonly #strikesNear: boolean;
  readonly #path: readonly number[];
  /** The other end is to be reset as soon as it is there. */
  resetsOther = false;

  constructor(place: Place, near: End, path: readonly number[]) {
    const { seed } = place.arena;
    this.place = place;
    this.near = near;
    this.#path = path;
    this.chance = new Chance(seed, ...path);
    const side = place.moment.situation?.side;
    this.#strikesNear = side === undefined ? this.chance.below(2) === 0 : side === 'near';
  }

  name(): string {
    return `'${this.place.moment.name}', life ${this.#path.join('.')} of seed ${this.place.arena.seed}`;
  }

  get struck(): End | undefined {
    return this.#strikesNear ? this.near : this.far;
  }

  get other(): End | undefined {
    return this.#strikesNear ? this.far : this.near;
  }

  /** The dialing end has had its `onDisconnect`, and may be in its next life. */
  get isOver(): boolean {
    return this.near.race !== this || this.near.atRest;
  }

  otherOf(end: End): End | undefined {
    return end === this.near ? this.far : this.near;
  }

  /** The end whose callback runs. */
  get running(): Witness | undefined {
    return this.place.arena.log.running;
  }

  /** The moment is reached. */
  strike(): void {
    if (this.isStruck) return;
    this.isStruck = true;
    const { fault, situation } = this.place.moment;
    if (this.struck?.isClosed === false || situation?.isOver === true) this.place.reached += 1;
    fault?.strike(this);
  }

  /** The peer's reset. */
  resetOther(): void {
    if (this.other === undefined) this.resetsOther = true;
    else this.other.abort();
  }

  /** Some client of the same moment, in whatever situation it is. */
  neighbour(): Race | undefined {
    const races = this.place.racing.filter((race) => race !== this);
    return races[this.chance.below(races.length)];
  }
}

/** Where one moment is played: a server, and the clients that connect to it. */
export class Place {
  readonly arena: Arena;
  readonly moment: Moment;
  port = 0;
  lives = 0;
  reached = 0;
  /** The present life of each client. */
  readonly racing: Race[] = [];
  readonly #number: number;
  readonly #nears: { end: End; left: number }[] = [];
  /** Ends that have not found their other end, by the dialing end's port. */
  readonly #nearsAlone = new Map<number, Race>();
  readonly #farsAlone = new Map<number, End>();

  constructor(arena: Arena, moment: Moment, number: number) {
    this.arena = arena;
    this.moment = moment;
    this.#number = number;
  }

  async begin(): Promise<void> {
    const { arena, moment } = this;
    const server = await arena.env.serve((client) => {
      const far = new End(client, this);
      arena.living.add(far);
      far.accepted();
    });
    this.port = server.port();
    const count = moment.fault?.isRare === true ? 1 : (moment.clients ?? CLIENTS);
    for (let index = 0; index < count; index += 1) {
      const end = new End(arena.env.client(), this);
      end.faultCode = moment.faultCode ?? end.faultCode;
      this.#nears.push({ end, left: 0 });
    }
  }

  /** One round: every client has some lives, the next one from `onDisconnect` of the last. */
  go(): void {
    this.#nearsAlone.clear();
    this.#farsAlone.clear();
    for (const near of this.#nears) {
      near.left = LIVES;
      this.#next(near.end);
    }
  }

  #next(end: End): void {
    const index = this.#nears.findIndex((near) => near.end === end);
    const near = this.#nears[index];
    if (near === undefined || near.left === 0) return;
    near.left -= 1;
    this.lives += 1;
    const race = new Race(this, end, [this.#number, index, this.lives]);
    this.racing[index] = race;
    end.race = race;
    this.arena.living.add(end);
    if (this.moment.dial === undefined) this.dial(end);
    else this.moment.dial(race);
  }

  dial(end: Witness): void {
    end.connect(this.arena.env.address, this.port);
  }

  /** What an end does in its callback. */
  act(end: End, event: EventName): void {
    try {
      const { race } = end;
      const isStruck = race?.struck === end && this.moment.situation?.on?.(event, race, end) === true;
      if (isStruck) race.strike();
      this.#goOn(end, event);
    } finally {
      if (event === 'disconnect') {
        this.arena.living.delete(end);
        this.#next(end);
      }
    }
  }

  /** What an end does beside the situation: it sees to it that both ends come to an end. */
  #goOn(end: End, event: EventName): void {
    const { race } = end;
    if (event === 'accepted') this.moment.accepted?.(end, this);
    if (event === 'accepted') this.#meet(end, end.client.remotePort());
    if (event === 'connect') this.#meet(end, end.client.localPort());
    const isAlone = race === undefined || race.isStruck || race.otherOf(end)?.isClosed === true;
    if (event === 'end' && isAlone) end.abort();
    if (event === 'data' && !isAlone && race.other === end && this.moment.situation?.isUnread === true)
      end.withhold();
    // Who does not read, or has read the peer's FIN, does not hear of a reset before it does something.
    if (event === 'poll' && (isAlone || end.ended)) {
      end.write(1);
      end.giveBack();
    }
  }

  /** The second end that comes finds the first, and begins what both do. */
  #meet(end: End, port: number): void {
    if (end.race === undefined) this.#farsAlone.set(port, end);
    else this.#nearsAlone.set(port, end.race);
    const far = this.#farsAlone.get(port);
    const race = this.#nearsAlone.get(port);
    // Who is over may have left its port to another connection.
    if (far?.atRest !== false || race?.isOver !== false) return;
    this.#farsAlone.delete(port);
    this.#nearsAlone.delete(port);
    far.race = race;
    race.far = far;
    this.#bothStand(race, far);
  }

  #bothStand(race: Race, far: End): void {
    const { situation } = this.moment;
    const { struck, other, chance } = race;
    if (struck === undefined || other === undefined) return;
    for (const end of [race.near, far]) {
      const wish = end === struck ? situation?.listens : undefined;
      end.listen(wish === 'acks' || chance.below(2) === 0, wish === 'timeouts', wish === 'packets');
    }
    if (race.resetsOther) other.abort();
    else if (!race.isStruck && situation?.begin?.(race, struck, other) === true) race.strike();
  }

  get isIdle(): boolean {
    return this.#nears.every(({ end, left }) => left === 0 && end.atRest);
  }
}

export class Arena {
  readonly env: Env;
  readonly seed: number;
  readonly log: Log = {
    spaces: 0,
    errors: 0,
    thrown: 0,
    running: undefined,
    ending: undefined,
    failure: undefined,
  };
  /** Ends whose `onDisconnect` has not come. */
  readonly living = new Set<End>();
  readonly places: readonly Place[];
  /** Rounds that were played. */
  rounds = 0;

  constructor(env: Env, seed: number, moments: readonly Moment[]) {
    this.env = env;
    this.seed = seed;
    this.places = moments.map((moment, index) => new Place(this, moment, index));
  }

  /** Plays every moment, over and over, until there were so many errors. */
  async race(errors: number): Promise<void> {
    const { env, log } = this;
    for (const place of this.places) await place.begin();
    await env.settle();
    const before = env.holdings();
    while (log.errors < errors) {
      this.rounds += 1;
      for (const place of this.places) place.go();
      await this.#until('every connection of a round is over', () => this.#isIdle());
      this.#takeThrown();
    }
    await env.settle();
    await this.#until('the last accepted clients are over', () => this.#isIdle());
    env.clock.advance(LINGER_MS);
    await env.until('nothing is held', () => env.holdings() === before);
    expectEqual(env.warnings, [], 'lines in the log');
  }

  #isIdle(): boolean {
    return this.living.size === 0 && this.places.every((place) => place.isIdle);
  }

  /** Waits for something, and moves the clock and looks at all clients meanwhile. */
  async #until(what: string, isSo: () => boolean): Promise<void> {
    const step = (): boolean => {
      this.env.clock.advance(STEP_MS);
      for (const end of this.living) end.lookFromOutside();
      if (this.log.failure !== undefined) throw this.log.failure;
      return isSo();
    };
    try {
      await this.env.until(what, step);
    } catch (error) {
      const left = [...this.living].map((end) => `${end.client.stateToString()} in ${end.name()}`);
      const inVain = new Error(`waited in vain until ${what}: ${left.slice(0, 9).join('; ')}`, {
        cause: error,
      });
      // From here on the witnesses do nothing; what handlers threw before is not the reason.
      this.log.failure ??= inVain;
      this.env.takeUncaught();
      throw this.log.failure;
    }
  }

  /** What handlers threw reached the uncaught-error path, once each (L7). */
  #takeThrown(): void {
    const uncaught = this.env.takeUncaught();
    const others = uncaught.filter((error) => error !== STRUCK);
    if (others.length > 0) throw others[0];
    expectEqual(uncaught.length, this.log.thrown, 'uncaught errors');
    this.log.thrown = 0;
  }

  /** Every moment was reached, and often. */
  expectReached(errors: number, spaces: number): void {
    const { log, seed } = this;
    for (const { moment, lives, reached } of this.places) {
      const least = Math.max(this.rounds, lives / 4);
      expect(
        reached >= least,
        `'${moment.name}' is reached in ${least} of ${lives} lives, not ${reached} (seed ${seed})`,
      );
    }
    expect(log.errors >= errors, `${errors} errors, not ${log.errors}`);
    expect(log.spaces >= spaces, `${spaces} answers of space(), not ${log.spaces}`);
  }
}
