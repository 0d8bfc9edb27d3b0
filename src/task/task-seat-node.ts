/**
 * One task of a group, as its supervisor sees it: one thread after the other, and for a moment two, when the
 * task is replaced. `seat-phase.ts` has the phases and the table; `TaskSeat.#enter` is the one place that
 * changes the phase.
 */
import { inspect } from 'node:util';
import { loadAddon } from '../addon/load-addon.js';
import { systemClock, type Alarm } from '../support/clock.js';
import { warn } from '../support/warn.js';
import { BackOff } from './back-off-node.js';
import { endOrKill } from './end-thread-node.js';
import { KeptSockets } from './kept-sockets-node.js';
import { stepOn } from './phase-table.js';
import { SEAT_PHASES, SeatPhase, type SeatAct, type SeatEvent } from './seat-phase.js';
import { SeatThread } from './seat-thread-node.js';
import type { KeptSocket } from './task-group-node.js';
import type { SeatLimits, TaskStart } from './task-start.js';
import type { TaskSignal, TaskThread } from './task-thread.js';
import type { FromTask } from './task-thread-node.js';
import type { TaskWorker, TaskWorkerEvents, ThreadEnd } from './task-worker-node.js';
import type { WatchdogBite } from './watchdog-bite.js';

/** A task that was loaded and does not listen at a place of its former thread by then never will. */
const LISTEN_LIMIT_MS = 10_000;
/** Time beyond that for draining in which a thread that drains must have ended. */
const END_MARGIN_MS = 2000;

const STOP: TaskSignal = 'SIGTERM';

/** Reports of a task to its group. */
export interface SeatEvents {
  onStarted(thread: TaskThread): void;
  onReady(): void;
  onNotLoaded(end: ThreadEnd): void;
  onReplaced(): void;
  onNotReplaced(reason: Error): void;
  onEnded(): void;
  /** A thread listens at a place, or no longer. */
  onPlaces(): void;
  /** The task listens at a place whose port was not known. */
  onPort(place: string, port: number): void;
  onBite(bite: WatchdogBite): void;
  onMessage(value: unknown): void;
  onRestart(restarts: number): void;
}

export class TaskSeat {
  readonly number: number;
  readonly kept = new KeptSockets();
  restarts = 0;
  /** The present thread, or the last one. */
  thread: TaskThread | undefined;
  readonly #start: TaskStart;
  readonly #limits: SeatLimits;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #events: SeatEvents;
  readonly #backOff = new BackOff();
  #phase: SeatPhase = SeatPhase.STARTING;
  /** The present thread; `undefined` while WAITING and once ENDED. */
  #present: SeatThread | undefined;
  /** The thread that was present last, if none is. */
  #former: SeatThread | undefined;
  #successor: SeatThread | undefined;
  /** Threads that were replaced and have not ended. */
  readonly #retired = new Set<SeatThread>();
  /** End of the last thread. */
  #end: ThreadEnd = { status: 0 };
  #hasStatus = true;
  #keepsAlive = true;
  /** True if the last thread that was to load the program has failed to. */
  #isNotLoaded = false;
  #stopSignal: TaskSignal = STOP;
  #successorLimit: Alarm | undefined;
  #stopLimit: Alarm | undefined;
  #notReplaced = new Error('the task has ended');

  constructor(start: TaskStart, limits: SeatLimits, ports: ReadonlyMap<string, number>, events: SeatEvents) {
    this.number = start.group?.number ?? 0;
    this.#start = start;
    this.#limits = limits;
    this.#ports = ports;
    this.#events = events;
    this.#present = this.#makeThread(start.group?.isFirst ?? false);
  }

  get phase(): SeatPhase {
    return this.#phase;
  }

  /** True if no thread of the task is left. */
  get isOver(): boolean {
    return this.#phase === SeatPhase.ENDED && this.#retired.size === 0;
  }

  /** The present thread, if it can accept connections. */
  get accepting(): SeatThread | undefined {
    const { STARTING, RUNNING, REPLACING } = SeatPhase;
    const phase: SeatPhase = this.#phase;
    return phase === STARTING || phase === RUNNING || phase === REPLACING ? this.#present : undefined;
  }

  /** Starts a thread that takes the present one's place. */
  replace(): void {
    this.#enter('replace');
  }

  get canBeReplaced(): boolean {
    return this.#phase === SeatPhase.RUNNING || this.#phase === SeatPhase.WAITING;
  }

  /** True if the last thread could not load the program, or the task has ended. */
  get isHopeless(): boolean {
    return this.#phase === SeatPhase.ENDED || this.#isNotLoaded;
  }

  /** The task's part in the group's status: a task that does not serve when it is stopped has none. */
  get status(): number {
    return this.#hasStatus ? this.#end.status : 0;
  }

  stop(signal: TaskSignal): void {
    this.#stopSignal = signal;
    this.#hasStatus = this.#phase === SeatPhase.RUNNING || this.#phase === SeatPhase.REPLACING;
    this.#enter('stop');
  }

  terminate(): void {
    for (const thread of this.#retired) void thread.worker.terminate();
    this.#enter('terminate');
  }

  signal(signal: TaskSignal): void {
    this.#present?.worker.signal(signal);
  }

  postMessage(value: unknown): void {
    this.#present?.worker.postMessage(value, []);
  }

  setKeepsAlive(on: boolean): void {
    this.#keepsAlive = on;
    this.#backOff.setKeepsAlive(on);
    for (const thread of [this.#present, this.#successor, ...this.#retired]) {
      if (on) thread?.worker.ref();
      else thread?.worker.unref();
    }
  }

  // ---- what the threads report

  readonly #workerEvents: TaskWorkerEvents = {
    onReport: (report, worker) => {
      const thread = this.#threadOf(worker);
      if (thread !== undefined) this.#onReport(report, thread);
    },
    onBite: (bite, worker) => {
      // A thread that was replaced, or replaces another one, is over all the same.
      if (bite.panic && worker === this.#present?.worker) this.#enter('panic');
      else if (bite.panic && this.#threadOf(worker) !== undefined) endOrKill(worker);
      this.#events.onBite(bite);
    },
    onMessage: (value) => {
      this.#events.onMessage(value);
    },
    onEnd: (end, worker) => {
      const thread = this.#threadOf(worker);
      if (thread === undefined) return;
      thread.ended();
      if (thread === this.#present) this.#onPresentEnded(end);
      else if (thread === this.#successor) this.#onSuccessorEnded(end, thread);
      else this.#onRetiredEnded(end, thread);
    },
  };

  #threadOf(worker: TaskWorker): SeatThread | undefined {
    return [this.#present, this.#successor, ...this.#retired].find((thread) => thread?.worker === worker);
  }

  #onReport(report: FromTask, thread: SeatThread): void {
    switch (report.kind) {
      case 'started':
        thread.thread = report.thread;
        if (thread === this.#present) this.thread = report.thread;
        this.#events.onStarted(report.thread);
        break;
      case 'ready':
        thread.isLoaded = true;
        if (thread === this.#present) this.#enter('ready');
        else this.#checkSuccessor();
        break;
      case 'kept':
        // A thread that was replaced keeps nothing for those to come.
        if (this.#retired.has(thread)) loadAddon().addon?.closeDescriptor(report.descriptor);
        else this.kept.keep(report.place, report.descriptor);
        break;
      case 'listens':
        thread.onReport(report);
        this.#events.onPort(report.place, report.port);
        this.#events.onPlaces();
        this.#checkSuccessor();
        break;
      case 'ends':
        thread.onReport(report);
        this.#dropUnlessUsed(report.place, thread);
        this.#events.onPlaces();
        break;
      case 'wantsInput':
      case 'unheard':
        break;
    }
  }

  /** The program has ended a server: closes its socket, unless another thread of the task listens there. */
  #dropUnlessUsed(place: string, thread: SeatThread): void {
    const isRetired = thread !== this.#present && thread !== this.#successor;
    const isUsed = this.#present?.places.has(place) === true || this.#successor?.places.has(place) === true;
    if (!isRetired && !isUsed) this.kept.drop(place);
  }

  #checkSuccessor(): void {
    const successor = this.#successor;
    if (successor?.isLoaded !== true) return;
    const places = this.#present?.places ?? new Set();
    if ([...places].every((place) => successor.places.has(place))) this.#enter('succeeded');
  }

  #onPresentEnded(end: ThreadEnd): void {
    this.#end = end;
    this.#former = this.#present;
    this.#present = undefined;
    this.#stopLimit?.cancel();
    this.#enter(end.status === 0 && end.failure === undefined ? 'finished' : 'failed');
    this.#events.onPlaces();
  }

  #onSuccessorEnded(end: ThreadEnd, successor: SeatThread): void {
    this.#successor = undefined;
    this.#dropPlacesOf(successor);
    this.#notReplaced = failureOf(end);
    this.#enter('notSucceeded');
  }

  #onRetiredEnded(end: ThreadEnd, thread: SeatThread): void {
    this.#retired.delete(thread);
    if (end.failure !== undefined) this.warnOf(end);
    if (this.isOver) this.#events.onEnded();
    // It may have served a socket of another task up to its end.
    else this.#events.onPlaces();
  }

  // ---- phases and acts

  #enter(event: SeatEvent): void {
    const { to, acts } = stepOn(SEAT_PHASES, this.#phase, event);
    this.#phase = to;
    for (const act of acts) this.#acts[act]();
  }

  readonly #acts: Readonly<Record<SeatAct, () => void>> = {
    startThread: () => {
      this.restarts += 1;
      warn(
        `task ${this.number} is started anew, restart ${this.restarts}, ${this.#backOff.waitMs} ms after it ended`,
      );
      this.#present = this.#makeThread(false);
      this.#events.onRestart(this.restarts);
    },
    startSuccessor: () => {
      this.#startSuccessor();
    },
    endSuccessor: () => {
      this.#endSuccessor();
    },
    promoteSuccessor: () => {
      this.#successorLimit?.cancel();
      this.#present = this.#successor;
      this.#successor = undefined;
      this.thread = this.#present?.thread;
    },
    retireThread: () => {
      const thread = this.#present;
      if (thread === undefined) return;
      this.#retired.add(thread);
      this.#askToEnd(thread, () => {
        endOrKill(thread.worker);
      });
    },
    askToEnd: () => {
      if (this.#present === undefined) return;
      this.#stopLimit = this.#askToEnd(this.#present, () => {
        this.#enter('stopLimitOver');
      });
    },
    endThread: () => void this.#present?.worker.terminate(),
    endThreadOrProcess: () => {
      endOrKill(this.#present?.worker);
    },
    startBackOff: () => {
      this.#backOff.begin(() => {
        this.#enter('backOffOver');
      });
    },
    cancelBackOff: () => {
      this.#backOff.cancel();
    },
    reportReady: () => {
      this.#isNotLoaded = false;
      this.#dropUnused();
      this.#events.onReady();
    },
    reportReplaced: () => {
      this.#events.onReplaced();
    },
    reportNotReplaced: () => {
      this.#events.onNotReplaced(this.#notReplaced);
    },
    reportNotLoaded: () => {
      this.#isNotLoaded = true;
      this.#events.onNotLoaded(this.#end);
    },
    reportFailure: () => {
      this.warnOf(this.#end);
    },
    reportEnd: () => {
      if (this.isOver) this.#events.onEnded();
    },
  };

  #makeThread(isFirst: boolean): SeatThread {
    const { group } = this.#start;
    const sockets: KeptSocket[] = [...this.#ports].map(([place, port]) => ({
      place,
      port,
      handed: this.kept.handOver(place),
    }));
    const order = group === undefined ? undefined : { ...group, isFirst, sockets };
    const start = { ...this.#start, ...(order !== undefined && { group: order }) };
    this.#backOff.threadStarted();
    const thread = new SeatThread(start, sockets, this.#workerEvents);
    if (!this.#keepsAlive) thread.worker.unref();
    return thread;
  }

  #startSuccessor(): void {
    this.#notReplaced = new Error('the task has ended');
    this.#successor = this.#makeThread(false);
    const { startMs } = this.#limits;
    this.#successorLimit = systemClock.setAlarm(systemClock.nowMs() + startMs, () => {
      const missing = [...(this.#present?.places ?? [])].filter(
        (place) => !this.#successor?.places.has(place),
      );
      const what =
        this.#successor?.isLoaded === true ? `does not listen at ${missing.join(', ')}` : 'is not loaded';
      this.#notReplaced = new Error(
        `task ${this.number} is not replaced: after ${startMs} ms the new one ${what}`,
      );
      this.#enter('notSucceeded');
    });
  }

  #endSuccessor(): void {
    this.#successorLimit?.cancel();
    const successor = this.#successor;
    if (successor === undefined) return;
    this.#successor = undefined;
    this.#retired.add(successor);
    this.#dropPlacesOf(successor);
    void successor.worker.terminate();
  }

  /** Closes the sockets of places at which only a successor listens that is given up. */
  #dropPlacesOf(successor: SeatThread): void {
    const places = (this.#present ?? this.#former)?.places;
    for (const place of successor.places) if (places?.has(place) !== true) this.kept.drop(place);
  }

  /** Asks a thread to end. @param late called if it has not ended in time. */
  #askToEnd(thread: SeatThread, late: () => void): Alarm {
    const { drainMs } = this.#limits;
    thread.worker.signal(this.#stopSignal, drainMs);
    return systemClock.setAlarm(systemClock.nowMs() + drainMs + END_MARGIN_MS, () => {
      if (thread === this.#present || this.#retired.has(thread)) late();
    });
  }

  /** Closes the sockets of places at which a restarted thread does not listen any more. */
  #dropUnused(): void {
    const thread = this.#present;
    systemClock.setAlarm(systemClock.nowMs() + LISTEN_LIMIT_MS, () => {
      if (thread === undefined || thread !== this.#present) return;
      for (const place of this.kept.places()) {
        if (thread.places.has(place) || this.#successor?.places.has(place) === true) continue;
        warn(
          `task ${this.number} does not listen at ${place} any more: the connections that wait there are lost`,
        );
        this.kept.drop(place);
      }
    });
  }

  warnOf(end: ThreadEnd): void {
    const { status, failure } = end;
    if (failure === undefined) warn(`task ${this.number} has ended with status ${status}`);
    else warn(`task ${this.number} has ended by an error that it did not catch: ${errorText(failure.error)}`);
  }
}

/** Returns the error of a thread that has ended before it was ready. */
export function failureOf({ status, failure }: ThreadEnd): Error {
  if (failure === undefined) return new Error(`the task ended with status ${status} before it was ready`);
  return failure.error instanceof Error
    ? failure.error
    : new Error(String(failure.error), { cause: failure.error });
}

function errorText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : inspect(error);
}
