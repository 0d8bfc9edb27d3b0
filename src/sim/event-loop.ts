/**
 * The loop of a network: lets its events happen one after the other, runs the ticks and microtasks that each
 * caused, and moves the time when nothing is left at an instant.
 *
 * A run lives in macrotasks of the runtime: in between, immediates of the program and of the runtime's own
 * modules have their turn, always before the time moves. `runSync` gives no turn to anything else.
 */
import type { EventSource, Timeline } from '../link/timeline.js';
import { areTicksDue, callbackMark, canRunTicks, holdTicks, runTicks } from '../support/callback-scope.js';
import { showValue } from '../support/check-options.js';
import { takeUncaught } from '../support/uncaught.js';
import { Job } from './job.js';
import { SimulationError, textOfError, type SimulationFailure } from './simulation-error.js';
import { nearestNs } from './time-ns.js';
import { hasImmediates, nextTurn } from './turns.js';
import { captureUncaught, turnOf, UNASKED } from './uncaught-errors.js';

/** Events at one instant, unless the network has another limit. */
export const MOST_EVENTS_AT_ONE_INSTANT = 100_000;
/** Events after the limit by which the busy hosts are found. */
const BUSY_SAMPLE = 1000;
/** Turns that the runtime's immediates have before the time moves, whatever they ask for. */
const MOST_TURNS_AT_ONE_INSTANT = 1000;
/** Virtual time that `runUntil` waits, unless it has another limit. */
export const DEFAULT_LIMIT_MS = 3_600_000;
/** Events after which the runtime has a turn, so that a signal or a test's time limit can end a long run. */
const MOST_EVENTS_OF_A_TURN = 16_384;
/** Errors that a failed run keeps; later ones are forgotten. */
export const MOST_ERRORS = 16;
const NS_PER_MS = 1_000_000;
/** Nanoseconds are whole numbers up to this time: 104 days. */
export const MOST_TIME_MS = Math.floor(Number.MAX_SAFE_INTEGER / NS_PER_MS);
const STUCK =
  'nothing is left that could happen in the network (timers of the runtime count after installGlobals(), ' +
  'files and other real input and output inside of live())';

const RUNS_ALREADY =
  'the network runs already: await the end of the run; a handler that wants something later calls network.at()';

/** A host, as the loop sees it. */
export interface Machine {
  readonly name: string;
  /** Does one piece of work at the present time. Returns false, after setting its timer, if there is none. */
  step(): boolean;
  /** Returns a line for each connection that waits for something. */
  waiting(): readonly string[];
}

export interface EventLoopOptions {
  readonly timeline: Timeline;
  readonly seed: number | string;
  readonly command: string;
  readonly mostEventsAtOneInstant?: number | undefined;
}

/** Reason for which the loop has returned. */
type Pause = 'over' | 'turn' | 'live' | 'failed';

interface Run {
  readonly endNs: number;
  /** True if the end of time is not the end that is hoped for. */
  readonly isGoal: boolean;
  /** True if the program has not asked for it: the present instant alone, until the program's own run. */
  readonly isUnasked: boolean;
  /** True if nothing more may happen: what is waited for has come, or there is an error. */
  isStopped: boolean;
  /** Errors of the program, the first one first: the run fails. */
  readonly errors: unknown[];
  /** Adds an error. */
  readonly fail: (error: unknown) => void;
  /** Turns of the runtime since the time has moved. */
  turns: number;
}

export class EventLoop {
  readonly #timeline: Timeline;
  readonly #options: EventLoopOptions;
  readonly #mostEvents: number;
  readonly #machines: Machine[] = [];
  /** Jobs that run when nothing else is left at an instant. */
  #immediates: EventSource[] = [];
  /** The host whose steps are not over. */
  #stepping: Machine | undefined;
  #run: Run | undefined;
  #eventsAtInstant = 0;
  #busy: Set<string> | undefined;
  /** Mark of the callbacks up to which the runtime has had its turn. */
  #mark = callbackMark();
  /** Promises of real time that are not settled. */
  #live = 0;
  #resume: (() => void) | undefined;
  /** Errors that name this network's time and seed already. */
  readonly #ownErrors = new WeakSet<SimulationError>();
  /** True if a macrotask will do the work of the present instant. */
  #isWoken = false;

  constructor(options: EventLoopOptions) {
    this.#options = options;
    this.#timeline = options.timeline;
    this.#mostEvents = options.mostEventsAtOneInstant ?? MOST_EVENTS_AT_ONE_INSTANT;
  }

  /** Time since the start in milliseconds. */
  get nowMs(): number {
    return this.#timeline.nowNs / NS_PER_MS;
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** Adds a host, and returns its number. */
  addMachine(machine: Machine): number {
    return this.#machines.push(machine) - 1;
  }

  /** Runs `job` at a time; a past one counts as the present. Returns a function that takes it back. */
  at(atMs: number, job: () => void, hostId = -1): () => void {
    const event = new Job(hostId, job);
    this.#timeline.schedule(event, nearestNs(atMs));
    return () => {
      event.cancel();
      this.#timeline.cancel(event);
    };
  }

  /** Runs `job` at the present instant, when all packets and timers of it are done; it needs no run. */
  setImmediate(job: () => void): () => void {
    const event = new Job(-1, job);
    this.#immediates.push(event);
    this.wake();
    return () => {
      event.cancel();
    };
  }

  /**
   * Tells the loop that a host has work. While the loop waits for real time, it goes on. While no run is
   * under way, the work of the present instant is done in a macrotask, so that `await server.begin()` needs
   * no run; the time stays.
   */
  wake(): void {
    this.#resume?.();
    if (this.#run !== undefined || this.#isWoken) return;
    this.#isWoken = true;
    nextTurn(() => {
      this.#isWoken = false;
      if (this.#run === undefined) this.#settle();
    });
  }

  /** See `Network.run`. */
  run(ms: number): Promise<void> {
    const run = this.#begin(this.#endNs('ms', ms), false);
    return new Promise((resolve, reject) => {
      this.#start(run, resolve, reject);
    });
  }

  /** See `Network.runUntil`. */
  runUntil<Value>(promise: PromiseLike<Value>, limitMs = this.#defaultLimitMs()): Promise<Value> {
    if (typeof Reflect.get(Object(promise), 'then') !== 'function') {
      throw new TypeError(`promise must be a promise, not ${showValue(promise)}`);
    }
    const run = this.#begin(this.#endNs('limitMs', limitMs), true);
    const settled = Promise.resolve(promise);
    const stop = (): void => {
      run.isStopped = true;
      // The run may wait for real time.
      if (this.#run === run) this.#resume?.();
    };
    settled.then(stop, (error: unknown) => {
      run.fail(error);
      stop();
    });
    return new Promise((resolve, reject) => {
      this.#start(run, () => void settled.then(resolve, reject), reject);
    });
  }

  /** See `Network.runSync`. */
  runSync(ms: number): void {
    const run = this.#begin(this.#endNs('ms', ms), false);
    holdTicks(true);
    try {
      if (this.#advance(run, false) === 'failed') throw this.#failureOf(run);
    } finally {
      holdTicks(false);
      this.#end(run);
    }
  }

  /** See `Network.live`. */
  async live<Value>(promise: PromiseLike<Value>): Promise<Value> {
    this.#live += 1;
    try {
      return await promise;
    } finally {
      this.#live -= 1;
      if (this.#live === 0) this.#resume?.();
    }
  }

  error(failure: SimulationFailure, text: string, errors: readonly unknown[] = []): SimulationError {
    const { seed, command } = this.#options;
    const made = new SimulationError(failure, text, { timeMs: this.nowMs, seed, command }, errors);
    this.#ownErrors.add(made);
    return made;
  }

  #defaultLimitMs(): number {
    return Math.min(DEFAULT_LIMIT_MS, MOST_TIME_MS - this.nowMs);
  }

  /** Returns the end of a run. */
  #endNs(name: string, ms: number): number {
    // However short, a run moves the time: a program may run until a time that is no whole nanosecond.
    const endNs = this.#timeline.nowNs + Math.max(nearestNs(ms, name), ms > 0 ? 1 : 0);
    if (endNs <= Number.MAX_SAFE_INTEGER) return endNs;
    throw new RangeError(
      `${name} must end by ${MOST_TIME_MS} ms of virtual time, not ${ms} ms after ${this.nowMs}`,
    );
  }

  #begin(endNs: number, isGoal: boolean, isUnasked = false): Run {
    if (this.#run?.isUnasked === true) this.#run.isStopped = true;
    else if (this.#run !== undefined) throw this.error('misuse', RUNS_ALREADY);
    const errors: unknown[] = [];
    const fail = (error: unknown): void => {
      run.isStopped = true;
      if (errors.length < MOST_ERRORS && !errors.includes(error)) errors.push(error);
    };
    const run: Run = { endNs, isGoal, isUnasked, isStopped: false, errors, fail, turns: 0 };
    if (!isUnasked) this.#eventsAtInstant = 0;
    this.#run = run;
    return run;
  }

  #end(run: Run): void {
    if (this.#run !== run) return;
    this.#run = undefined;
    this.#resume = undefined;
  }

  /** Does the work of the present instant. An error of a handler is uncaught, as on any other stack. */
  #settle(): void {
    const run = this.#begin(this.#timeline.nowNs, false, true);
    const turn = (): void => {
      let isOver = true;
      try {
        run.turns += 1;
        isOver = run.isStopped || turnOf(UNASKED, () => this.#advance(run, true)) !== 'turn';
      } finally {
        if (isOver) this.#end(run);
        else nextTurn(turn);
      }
    };
    turn();
  }

  #start(run: Run, resolve: () => void, reject: (error: unknown) => void): void {
    const take = (error: unknown): void => {
      run.fail(error);
      this.#resume?.();
    };
    const release = captureUncaught(take);
    const finish = (settle: () => void): void => {
      release();
      this.#end(run);
      settle();
    };
    const turn = (): void => {
      this.#resume = undefined;
      run.turns += 1;
      const pause = turnOf(take, () => this.#advance(run, true));
      if (pause === 'over') finish(resolve);
      else if (pause === 'failed') nextTurn(fail);
      else if (pause === 'live') this.#resume = resume;
      else nextTurn(turn);
    };
    // The microtasks of the instant have run: their errors are the run's as well.
    const fail = (): void => {
      finish(() => {
        reject(this.#failureOf(run));
      });
    };
    const resume = (): void => {
      this.#resume = undefined;
      nextTurn(turn);
    };
    nextTurn(turn);
  }

  /** Returns the error of a run that has failed, as the program sees it. */
  #failureOf({ errors }: Run): SimulationError {
    const [first] = errors;
    if (first instanceof SimulationError && this.#ownErrors.has(first)) return first;
    const text = textOfError(first);
    const others = errors.length - 1;
    return this.error('threw', others === 0 ? text : `${text} (and ${others} more)`, errors);
  }

  /** Lets things happen until there is a reason to pause. The errors of all handlers are the run's. */
  #advance(run: Run, drains: boolean): Pause {
    if (run.isUnasked) return this.#pass(run, drains);
    const former = takeUncaught(run.fail);
    try {
      return this.#pass(run, drains);
    } catch (error) {
      run.fail(error);
      return 'failed';
    } finally {
      takeUncaught(former);
    }
  }

  #pass(run: Run, drains: boolean): Pause {
    if (drains) {
      // The runtime has just had a turn: its own ticks and microtasks are done, and what callbacks of other
      // networks asked for is theirs to wait for.
      this.#mark = callbackMark();
      runTicks();
    }
    const canDrain = canRunTicks();
    let events = 0;
    for (;;) {
      if (isStopped(run)) return run.errors.length > 0 ? 'failed' : 'over';
      if (this.#happen()) {
        events += 1;
        if (drains && events >= MOST_EVENTS_OF_A_TURN) return 'turn';
        if (!drains || !areTicksDue()) continue;
        if (!canDrain) return 'turn';
        runTicks();
        continue;
      }
      // The last step of a host does no more work, but may have met an error while it sent.
      if (isStopped(run) || this.#startImmediates()) continue;
      if (drains && this.#needsTurn(run)) return 'turn';
      if (this.#live > 0) {
        if (drains) return 'live';
        throw this.error('misuse', 'runSync cannot wait for real time');
      }
      if (!this.#moveTime(run)) return 'over';
    }
  }

  /** Lets one event happen, or one step of the host at which one has. Returns false if there is none. */
  #happen(): boolean {
    if (this.#stepping !== undefined) {
      if (this.#stepping.step()) {
        this.#count(this.#stepping);
        return true;
      }
      this.#stepping = undefined;
    }
    const source = this.#timeline.take();
    if (source === undefined) return false;
    const machine = this.#machines[source.hostId];
    this.#stepping = machine;
    source.occur();
    this.#count(machine);
    return true;
  }

  #startImmediates(): boolean {
    if (this.#immediates.length === 0) return false;
    const due = this.#immediates;
    this.#immediates = [];
    for (const event of due) this.#timeline.add(event);
    return true;
  }

  /** Returns true if the runtime has to have its turn before the time moves. */
  #needsTurn(run: Run): boolean {
    if (run.turns >= MOST_TURNS_AT_ONE_INSTANT) return false;
    return callbackMark() !== this.#mark || (run.turns > 0 && hasImmediates());
  }

  /** Moves the time to the next event. Returns false if the run ends before it. */
  #moveTime(run: Run): boolean {
    const nextNs = this.#timeline.nextNs();
    run.turns = 0;
    this.#eventsAtInstant = 0;
    if (nextNs <= run.endNs) {
      this.#timeline.moveTo(nextNs);
      return true;
    }
    if (run.isGoal && nextNs === Number.POSITIVE_INFINITY) {
      throw this.error('stuck', `${STUCK}${this.#waiting()}`);
    }
    this.#timeline.moveTo(run.endNs);
    if (run.isGoal) throw this.error('limit', `the promise did not settle in time${this.#waiting()}`);
    return false;
  }

  #waiting(): string {
    const lines = this.#machines.flatMap((machine) =>
      machine.waiting().map((line) => `${machine.name}: ${line}`),
    );
    return lines.length === 0 ? '' : `\n  ${lines.join('\n  ')}`;
  }

  #count(machine: Machine | undefined): void {
    this.#eventsAtInstant += 1;
    if (this.#eventsAtInstant > this.#mostEvents) this.#findBusy(machine);
  }

  /** Notes the hosts of some more events, then fails. */
  #findBusy(machine: Machine | undefined): void {
    this.#busy ??= new Set();
    this.#busy.add(machine?.name ?? 'the program');
    if (this.#eventsAtInstant < this.#mostEvents + BUSY_SAMPLE) return;
    const names = [...this.#busy].sort().join(', ');
    this.#busy = undefined;
    // The next run may go on at this instant.
    this.#eventsAtInstant = 0;
    const help = 'give the link a delay, or raise mostEventsAtOneInstant';
    throw this.error('busy', `more than ${this.#mostEvents} events at one instant: ${names}; ${help}`);
  }
}

/** Returns true if a run is to end; any call may have stopped it. */
function isStopped(run: Run): boolean {
  return run.isStopped;
}
