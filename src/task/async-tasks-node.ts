/**
 * A program as several tasks on several cores, which share its ports: the group, as its starter sees it
 * (contract W5).
 *
 * `group-phase.ts` has the phases and the table; `AsyncTasks.#enter` is the one place that changes the
 * phase. The first task loads the program alone; then the others start. Each task has its own sockets
 * (SO_REUSEPORT), which the supervisor keeps open from one thread of a task to the next, and which another
 * task serves meanwhile.
 */
import { Deferred } from '../support/deferred.js';
import { GROUP_PHASES, GroupPhase, type GroupAct, type GroupEvent } from './group-phase.js';
import { stepOn } from './phase-table.js';
import { SeatPhase } from './seat-phase.js';
import { failureOf, TaskSeat, type SeatEvents } from './task-seat-node.js';
import type { SeatThread } from './seat-thread-node.js';
import type { SeatLimits, TaskStart } from './task-start.js';
import type { TaskSignal, TaskThread } from './task-thread.js';
import type { ThreadEnd } from './task-worker-node.js';
import type { WatchdogBite } from './watchdog-bite.js';

/** Signals at which the tasks end. */
const STOP_SIGNALS: readonly TaskSignal[] = ['SIGTERM', 'SIGINT'];

/** One task of a group at this moment. */
export interface TaskReport {
  /** The task's number, from 0 on. */
  readonly number: number;
  /** `IDLE` before its start: the first task loads the program alone. */
  readonly state: SeatPhase | 'IDLE';
  /** Its present thread, or the last one; `undefined` before the first one has begun. */
  readonly thread: TaskThread | undefined;
  /** Number of restarts, each after a panic or an error; a reload is none. */
  readonly restarts: number;
}

/** A program that runs as several tasks. Made by `startTasks`. */
export class AsyncTasks {
  readonly #starts: readonly TaskStart[];
  readonly #limits: SeatLimits;
  readonly #seats: TaskSeat[] = [];
  /** The port of each place at which tasks listen. */
  readonly #ports = new Map<string, number>();
  /** For each socket that another task serves, by its task and place, that other task's thread. */
  readonly #deputies = new Map<string, SeatThread>();
  readonly #started = new Deferred<readonly TaskThread[]>();
  readonly #ready = new Deferred<undefined>();
  readonly #ended = new Deferred<number>();
  readonly #readyOnce = new Set<number>();
  #phase: GroupPhase = GroupPhase.FIRST;
  #reload: Deferred<undefined> | undefined;
  /** A reload that was asked for during another one. */
  #nextReload: Deferred<undefined> | undefined;
  #replacing = 0;
  #notReplaced = new Error('the tasks have ended');
  #failure: ThreadEnd | undefined;
  #stopSignal: TaskSignal = 'SIGTERM';
  #keepsAlive = true;
  #onWatchdog: ((bite: WatchdogBite, task: number) => void) | undefined;
  #onMessage: ((value: unknown, task: number) => void) | undefined;
  #onRestart: ((restarts: number, task: number) => void) | undefined;

  constructor(starts: readonly TaskStart[], limits: SeatLimits) {
    this.#starts = starts;
    this.#limits = limits;
    // A failure is reported by `ended`; a caller need not also handle the rejections of these two.
    this.#started.promise.catch(() => undefined);
    this.#ready.promise.catch(() => undefined);
    this.#startSeat(true);
  }

  /** Resolves with what each task's thread has in effect, when all have begun. */
  get started(): Promise<readonly TaskThread[]> {
    return this.#started.promise;
  }

  /**
   * Resolves when every task has evaluated the program's module. Rejects with the error that the module threw
   * in the first one.
   */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Resolves when all tasks have ended: with 0, or with the first status that is not 0. Rejects with the
   * error of a program that no task can load.
   */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  /** The tasks at this moment, by their numbers. */
  get tasks(): TaskReport[] {
    return this.#starts.map((_, number) => {
      const seat = this.#seats[number];
      if (seat === undefined) return { number, state: 'IDLE', thread: undefined, restarts: 0 };
      return { number, state: seat.phase, thread: seat.thread, restarts: seat.restarts };
    });
  }

  /** Number of restarts of all tasks. */
  get restarts(): number {
    return this.#seats.reduce((sum, { restarts }) => sum + restarts, 0);
  }

  /**
   * Sets the handler of the watchdog's bites, called while the callback still blocks. `undefined` removes it.
   */
  onWatchdog(handler: ((bite: WatchdogBite, task: number) => void) | undefined): void {
    this.#onWatchdog = handler;
  }

  /**
   * Sets the handler of restarts, called with their number so far in this task. `undefined` removes it.
   */
  onRestart(handler: ((restarts: number, task: number) => void) | undefined): void {
    this.#onRestart = handler;
  }

  /**
   * Sets the handler of what a task posts with the `parentPort` of `node:worker_threads`. `undefined` removes
   * it.
   */
  onMessage(handler: ((value: unknown, task: number) => void) | undefined): void {
    this.#onMessage = handler;
  }

  /** Posts to the `parentPort` of every task. A message to a task between two threads is lost. */
  postMessage(value: unknown): void {
    for (const seat of this.#seats) seat.postMessage(value);
  }

  /**
   * Gives every task a signal as if the system had sent it: the program's `process.on(signal)` handlers are
   * called. SIGTERM and SIGINT end the tasks, and none is started anew: a program without a handler is
   * drained (its servers stop listening, and their clients have `drainMs` to end); one that has not ended
   * 2 s after that time is ended.
   */
  signal(signal: TaskSignal): void {
    if (STOP_SIGNALS.includes(signal)) {
      this.#stopSignal = signal;
      this.#enter('stop');
    } else {
      for (const seat of this.#seats) seat.signal(signal);
    }
  }

  /**
   * Replaces the tasks by new ones, one after the other, and refuses and loses no connection: a new task
   * loads the program and listens; only then the old one stops to accept, and drains. Resolves when all
   * were replaced; old tasks may drain still. During a reload, calls join in one that follows it.
   * @throws Error (as a rejection) if a new task cannot load the program, or does not listen where the old
   *   one does: the tasks that were not replaced go on.
   */
  reload(): Promise<void> {
    if (this.#phase === GroupPhase.SERVING) return this.#beginReload(new Deferred<undefined>()).promise;
    if (this.#phase === GroupPhase.RELOADING) return (this.#nextReload ??= new Deferred<undefined>()).promise;
    return Promise.reject(
      new Error(`the tasks cannot be replaced: they ${this.#phase === GroupPhase.FIRST ? 'start' : 'end'}`),
    );
  }

  /** Ends all threads at once, in the middle of anything they do. Settles as `ended` does. */
  terminate(): Promise<number> {
    this.#enter('terminate');
    return this.ended;
  }

  /** Lets the tasks keep this process alive. The default. */
  ref(): void {
    this.#setKeepsAlive(true);
  }

  /** Lets this process end though the tasks run. */
  unref(): void {
    this.#setKeepsAlive(false);
  }

  #setKeepsAlive(on: boolean): void {
    this.#keepsAlive = on;
    for (const seat of this.#seats) seat.setKeepsAlive(on);
  }

  // ---- what the tasks report

  #startSeat(isFirst: boolean): void {
    const number = this.#seats.length;
    const start = this.#starts[number];
    if (start === undefined) return;
    const group = { number, count: this.#starts.length, isFirst, sockets: [] };
    const seat = new TaskSeat({ ...start, group }, this.#limits, this.#ports, this.#eventsOf(number));
    if (!this.#keepsAlive) seat.setKeepsAlive(false);
    this.#seats.push(seat);
  }

  #eventsOf(number: number): SeatEvents {
    return {
      onStarted: () => {
        const threads = this.#seats.flatMap(({ thread }) => thread ?? []);
        if (threads.length === this.#starts.length) this.#started.resolve(threads);
      },
      onReady: () => {
        this.#onReady(number);
      },
      onNotLoaded: (end) => {
        if (!this.#seats.every(({ isHopeless }) => isHopeless)) {
          this.#seats[number]?.warnOf(end);
          return;
        }
        this.#failure ??= end;
        this.#enter('hopeless');
      },
      onReplaced: () => {
        this.#enter('replaced');
      },
      onNotReplaced: (reason) => {
        this.#notReplaced = reason;
        this.#enter('notReplaced');
      },
      onEnded: () => {
        if (this.#seats.every(({ isOver }) => isOver)) this.#enter('lastEnded');
      },
      onPlaces: () => {
        this.#cover();
      },
      onPort: (place, port) => {
        if (!this.#ports.has(place)) this.#ports.set(place, port);
      },
      onBite: (bite) => {
        this.#cover();
        this.#onWatchdog?.(bite, number);
      },
      onMessage: (value) => this.#onMessage?.(value, number),
      onRestart: (restarts) => this.#onRestart?.(restarts, number),
    };
  }

  #onReady(number: number): void {
    this.#readyOnce.add(number);
    if (number === 0) this.#enter('firstReady');
    if (this.#readyOnce.size === this.#starts.length) this.#ready.resolve(undefined);
    this.#cover();
  }

  // ---- sockets that no thread of their own serves

  /** Has each kept socket whose task does not accept served by another task. */
  #cover(): void {
    for (const seat of this.#seats) {
      const places = new Set([...seat.kept.places(), ...this.#ports.keys()]);
      for (const place of places) this.#coverPlace(seat, place);
    }
  }

  #coverPlace(seat: TaskSeat, place: string): void {
    const key = `${seat.number} ${place}`;
    const former = this.#deputies.get(key);
    const isAccepting = seat.accepting?.places.has(place) === true;
    const deputy = isAccepting ? undefined : this.#deputyFor(seat, place);
    if (deputy === undefined && seat.phase === SeatPhase.ENDED) seat.kept.drop(place);
    if (former === deputy) return;
    this.#deputies.delete(key);
    former?.acceptNoMore(seat.number, place);
    const handed = deputy === undefined ? undefined : seat.kept.handOver(place);
    if (deputy === undefined || handed === undefined) return;
    this.#deputies.set(key, deputy);
    deputy.accept(seat.number, place, handed);
  }

  /** Returns a thread of another task that listens at the place; the present deputy, if it still can be. */
  #deputyFor(seat: TaskSeat, place: string): SeatThread | undefined {
    const former = this.#deputies.get(`${seat.number} ${place}`);
    const threads = this.#seats.flatMap((other) => (other === seat ? [] : (other.accepting ?? [])));
    const able = threads.filter(({ places }) => places.has(place));
    return former !== undefined && able.includes(former) ? former : able[0];
  }

  // ---- phases and acts

  #enter(event: GroupEvent): void {
    const { to, acts } = stepOn(GROUP_PHASES, this.#phase, event);
    this.#phase = to;
    for (const act of acts) this.#acts[act]();
  }

  readonly #acts: Readonly<Record<GroupAct, () => void>> = {
    startOthers: () => {
      while (this.#seats.length < this.#starts.length) this.#startSeat(false);
    },
    replaceNext: () => {
      this.#replaceNext();
    },
    settleReload: () => {
      this.#reload?.resolve(undefined);
      this.#reloadAgain();
    },
    rejectReload: () => {
      this.#reload?.reject(this.#notReplaced);
      this.#reloadAgain();
    },
    closeSockets: () => {
      for (const seat of this.#seats) seat.kept.close();
    },
    stopTasks: () => {
      for (const seat of [...this.#seats]) seat.stop(this.#stopSignal);
    },
    terminateTasks: () => {
      for (const seat of [...this.#seats]) seat.terminate();
    },
    settle: () => {
      this.#settle();
    },
  };

  #beginReload(reload: Deferred<undefined>): Deferred<undefined> {
    this.#reload = reload;
    this.#replacing = 0;
    this.#notReplaced = new Error('the tasks have ended');
    this.#enter('reload');
    return reload;
  }

  #replaceNext(): void {
    const seat = this.#seats[this.#replacing];
    this.#replacing += 1;
    if (seat === undefined) this.#enter('allReplaced');
    else if (seat.canBeReplaced) seat.replace();
    // A thread that is being started loads the program anew anyway.
    else this.#enter('replaced');
  }

  #reloadAgain(): void {
    this.#reload = undefined;
    const next = this.#nextReload;
    this.#nextReload = undefined;
    if (next === undefined) return;
    if (this.#phase !== GroupPhase.SERVING) {
      next.reject(this.#notReplaced);
      return;
    }
    this.#beginReload(next);
  }

  #settle(): void {
    const failure = this.#failure;
    const status = this.#seats.map((seat) => seat.status).find((each) => each !== 0) ?? 0;
    const reason =
      failure === undefined ? new Error(`the tasks ended with status ${status}`) : failureOf(failure);
    this.#started.reject(reason);
    this.#ready.reject(reason);
    if (failure?.failure === undefined) this.#ended.resolve(status);
    else this.#ended.reject(failure.failure.error);
  }
}
