/**
 * Many connections at once, each of which gets an injected error at one failure point of its life. A failure
 * point is a situation that the connection is brought into, and an injection that ends it there. Both ends
 * are checked clients.
 *
 * Call order: `new Harness`, `race`, `expectReached`. For each connection: the situation's `begin` when both
 * ends are connected, then its `on` in every callback of the victim, the end that the injection concerns. The
 * first of them that returns true is followed by the injection's `inject`.
 */
import type { AsyncClient, ErrorCode } from 'asynctcp';
import type { Env } from './case.js';
import { expect, expectEqual } from './expect.js';
import { CheckedClient, INJECTED_ERROR, type EventName, type Log } from './checked-client.js';
import { Random } from '../support/random.js';

/** Clients per failure point at the same time, and lives of each of them in one round. */
const CLIENTS = 4;
const LIVES = 4;
/** The interval of `onPoll`: each step polls every connection once. */
const STEP_MS = 500;
/** Longer than any closed socket waits for the peer's FIN. */
const LINGER_MS = 30_000;

export interface Situation {
  readonly name: string;
  /** The end that is the victim; either of them if undefined. */
  readonly side?: 'near' | 'far';
  /** The handler that the victim needs. Every other life has `onAck` in any case. */
  readonly listens?: 'acks' | 'timeouts' | 'packets';
  /** The other end reads nothing before the injection. */
  readonly isUnread?: boolean;
  /** The life is over when the injection comes: it has no effect. */
  readonly isOver?: boolean;
  /** Both ends are connected. Returns true if this is the failure point. */
  begin?(race: Race, victim: CheckedClient, other: CheckedClient): boolean;
  /** Runs in every callback of the victim. Returns true if this is the failure point. */
  on?(event: EventName, race: Race, victim: CheckedClient): boolean;
}

export interface Injection {
  readonly name: string;
  /** Expensive: one client is enough. */
  readonly isRare?: boolean;
  inject(race: Race): void;
}

export interface FailurePoint {
  readonly name: string;
  readonly clients?: number;
  readonly situation?: Situation;
  readonly injection?: Injection;
  /** The code of `onError` at the dialing end, unless that end aborts. */
  readonly expectedCode?: ErrorCode;
  /** Begins the dialing end's life; by default it connects to the server. */
  dial?(race: Race): void;
  /** Runs in `onClient`, possibly before the dialing end's `onConnect`. */
  accepted?(far: CheckedClient, fixture: Fixture): void;
}

/** Returns the failure points of all situations with all injections. */
export function failurePoints(
  situations: readonly Situation[],
  injections: readonly Injection[],
): FailurePoint[] {
  return situations.flatMap((situation) =>
    injections.map((injection) => ({ name: `${situation.name}: ${injection.name}`, situation, injection })),
  );
}

/** One end of a connection. The dialing ends, `near` ones, have one life after the other. */
class RacingClient extends CheckedClient {
  readonly fixture: Fixture;
  race: Race | undefined;

  constructor(client: AsyncClient, fixture: Fixture) {
    super(client, fixture.harness.log, fixture.harness.env.clientStack.limits.sendBufferBytes);
    this.fixture = fixture;
  }

  protected act(event: EventName): void {
    this.fixture.act(this, event);
  }

  name(): string {
    return this.race?.name() ?? `an accepted client of '${this.fixture.point.name}'`;
  }
}

/** One connection on its way to its failure point. */
export class Race {
  readonly fixture: Fixture;
  readonly random: Random;
  readonly near: RacingClient;
  far: RacingClient | undefined;
  /** The failure point was reached. */
  isInjected = false;
  readonly #victimIsNear: boolean;
  readonly #path: readonly number[];
  /** The other end resets as soon as it exists. */
  resetsOther = false;

  constructor(fixture: Fixture, near: RacingClient, path: readonly number[]) {
    const { seed } = fixture.harness;
    this.fixture = fixture;
    this.near = near;
    this.#path = path;
    this.random = new Random(seed, ...path);
    const side = fixture.point.situation?.side;
    this.#victimIsNear = side === undefined ? this.random.isOneIn(2) : side === 'near';
  }

  name(): string {
    return `'${this.fixture.point.name}', life ${this.#path.join('.')} of seed ${this.fixture.harness.seed}`;
  }

  get victim(): RacingClient | undefined {
    return this.#victimIsNear ? this.near : this.far;
  }

  get other(): RacingClient | undefined {
    return this.#victimIsNear ? this.far : this.near;
  }

  /** The dialing end has had its `onDisconnect`, and may be in its next life. */
  get isOver(): boolean {
    return this.near.race !== this || this.near.isIdle;
  }

  otherOf(end: RacingClient): RacingClient | undefined {
    return end === this.near ? this.far : this.near;
  }

  /** The end whose callback runs. */
  get running(): CheckedClient | undefined {
    return this.fixture.harness.log.running;
  }

  /** Injects the error, once. The failure point is reached. */
  inject(): void {
    if (this.isInjected) return;
    this.isInjected = true;
    const { injection, situation } = this.fixture.point;
    if (this.victim?.isClosed === false || situation?.isOver === true) this.fixture.reached += 1;
    injection?.inject(this);
  }

  /** Makes the victim's peer reset the connection. */
  resetOther(): void {
    if (this.other === undefined) this.resetsOther = true;
    else this.other.abort();
  }

  /** Returns another connection of the same fixture, in any situation. */
  neighbour(): Race | undefined {
    const races = this.fixture.races.filter((race) => race !== this);
    return races[this.random.whole(0, races.length - 1)];
  }
}

/** The server and the clients of one failure point. */
export class Fixture {
  readonly harness: Harness;
  readonly point: FailurePoint;
  port = 0;
  lives = 0;
  reached = 0;
  /** The present life of each client. */
  readonly races: Race[] = [];
  readonly #number: number;
  readonly #nears: { end: RacingClient; left: number }[] = [];
  /** Ends whose other end is not known yet, by the dialing end's port. */
  readonly #nearsAlone = new Map<number, Race>();
  readonly #farsAlone = new Map<number, RacingClient>();

  constructor(harness: Harness, point: FailurePoint, number: number) {
    this.harness = harness;
    this.point = point;
    this.#number = number;
  }

  async begin(): Promise<void> {
    const { harness, point } = this;
    const server = await harness.env.serve((client) => {
      const far = new RacingClient(client, this);
      harness.living.add(far);
      far.accepted();
    });
    this.port = server.port();
    const count = point.injection?.isRare === true ? 1 : (point.clients ?? CLIENTS);
    for (let index = 0; index < count; index += 1) {
      const end = new RacingClient(harness.env.client(), this);
      end.expectedCode = point.expectedCode ?? end.expectedCode;
      this.#nears.push({ end, left: 0 });
    }
  }

  /** Starts one round: each client has some lives, and begins the next one in `onDisconnect` of the last. */
  startRound(): void {
    this.#nearsAlone.clear();
    this.#farsAlone.clear();
    for (const near of this.#nears) {
      near.left = LIVES;
      this.#next(near.end);
    }
  }

  #next(end: RacingClient): void {
    const index = this.#nears.findIndex((near) => near.end === end);
    const near = this.#nears[index];
    if (near === undefined || near.left === 0) return;
    near.left -= 1;
    this.lives += 1;
    const race = new Race(this, end, [this.#number, index, this.lives]);
    this.races[index] = race;
    end.race = race;
    this.harness.living.add(end);
    if (this.point.dial === undefined) this.dial(end);
    else this.point.dial(race);
  }

  dial(end: CheckedClient): void {
    end.connect(this.harness.env.address, this.port);
  }

  /** Runs in every callback of every end. */
  act(end: RacingClient, event: EventName): void {
    try {
      const { race } = end;
      const isReached = race?.victim === end && this.point.situation?.on?.(event, race, end) === true;
      if (isReached) race.inject();
      this.#advance(end, event);
    } finally {
      if (event === 'disconnect') {
        this.harness.living.delete(end);
        this.#next(end);
      }
    }
  }

  /** Makes sure that both ends come to their end, apart from the situation. */
  #advance(end: RacingClient, event: EventName): void {
    const { race } = end;
    if (event === 'accepted') this.point.accepted?.(end, this);
    if (event === 'accepted') this.#meet(end, end.client.remotePort());
    if (event === 'connect') this.#meet(end, end.client.localPort());
    const isAlone = race === undefined || race.isInjected || race.otherOf(end)?.isClosed === true;
    if (event === 'end' && isAlone) end.abort();
    if (event === 'data' && !isAlone && race.other === end && this.point.situation?.isUnread === true)
      end.withhold();
    // An end that does not read, or has read the peer's FIN, learns of a reset only by sending.
    if (event === 'poll' && (isAlone || end.ended)) {
      end.write(1);
      end.giveBack();
    }
  }

  /** Joins the two ends of a connection when the second one is known. */
  #meet(end: RacingClient, port: number): void {
    if (end.race === undefined) this.#farsAlone.set(port, end);
    else this.#nearsAlone.set(port, end.race);
    const far = this.#farsAlone.get(port);
    const race = this.#nearsAlone.get(port);
    // The port of an end that is over may belong to another connection.
    if (far?.isIdle !== false || race?.isOver !== false) return;
    this.#farsAlone.delete(port);
    this.#nearsAlone.delete(port);
    far.race = race;
    race.far = far;
    this.#bothConnected(race, far);
  }

  #bothConnected(race: Race, far: RacingClient): void {
    const { situation } = this.point;
    const { victim, other, random } = race;
    if (victim === undefined || other === undefined) return;
    for (const end of [race.near, far]) {
      const wish = end === victim ? situation?.listens : undefined;
      end.listen(wish === 'acks' || random.isOneIn(2), wish === 'timeouts', wish === 'packets');
    }
    if (race.resetsOther) other.abort();
    else if (!race.isInjected && situation?.begin?.(race, victim, other) === true) race.inject();
  }

  get isIdle(): boolean {
    return this.#nears.every(({ end, left }) => left === 0 && end.isIdle);
  }
}

export class Harness {
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
  readonly living = new Set<RacingClient>();
  readonly fixtures: readonly Fixture[];
  /** Rounds that were started. */
  rounds = 0;

  constructor(env: Env, seed: number, points: readonly FailurePoint[]) {
    this.env = env;
    this.seed = seed;
    this.fixtures = points.map((point, index) => new Fixture(this, point, index));
  }

  /** Runs rounds of all failure points until `errors` errors were reported. */
  async race(errors: number): Promise<void> {
    const { env, log } = this;
    for (const fixture of this.fixtures) await fixture.begin();
    await env.settle();
    const before = env.holdings();
    while (log.errors < errors) {
      this.rounds += 1;
      for (const fixture of this.fixtures) fixture.startRound();
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
    return this.living.size === 0 && this.fixtures.every((fixture) => fixture.isIdle);
  }

  /** Waits for a condition; meanwhile moves the clock and checks all clients. */
  async #until(what: string, condition: () => boolean): Promise<void> {
    const step = (): boolean => {
      this.env.clock.advance(STEP_MS);
      for (const end of this.living) end.checkFromOutside();
      if (this.log.failure !== undefined) throw this.log.failure;
      return condition();
    };
    try {
      await this.env.until(what, step);
    } catch (error) {
      const left = [...this.living].map((end) => `${end.client.stateToString()} in ${end.name()}`);
      const inVain = new Error(`waited in vain until ${what}: ${left.slice(0, 9).join('; ')}`, {
        cause: error,
      });
      // With a failure in the log the clients do nothing more. Errors that handlers threw before are not the
      // reason.
      this.log.failure ??= inVain;
      this.env.takeUncaught();
      throw this.log.failure;
    }
  }

  /** Checks that each error that a handler threw reached the uncaught-error path once (L7). */
  #takeThrown(): void {
    const uncaught = this.env.takeUncaught();
    const others = uncaught.filter((error) => error !== INJECTED_ERROR);
    if (others.length > 0) throw others[0];
    expectEqual(uncaught.length, this.log.thrown, 'uncaught errors');
    this.log.thrown = 0;
  }

  /** Checks that every failure point was reached, and how often. */
  expectReached(errors: number, spaces: number): void {
    const { log, seed } = this;
    for (const { point, lives, reached } of this.fixtures) {
      const least = Math.max(this.rounds, lives / 4);
      expect(
        reached >= least,
        `'${point.name}' is reached in ${least} of ${lives} lives, not ${reached} (seed ${seed})`,
      );
    }
    expect(log.errors >= errors, `${errors} errors, not ${log.errors}`);
    expect(log.spaces >= spaces, `${spaces} answers of space(), not ${log.spaces}`);
  }
}
