/**
 * The async task in a thread of its own, as its starter sees it. The task is supervised: when its watchdog
 * panics, its thread is ended and a new one is started (contract W2).
 *
 * `task-phase.ts` has the phases and the table; `AsyncTask.#enter` is the one place that changes the phase.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { systemClock, type Alarm } from '../support/clock.js';
import { Deferred } from '../support/deferred.js';
import { warn } from '../support/warn.js';
import { stepOn } from './phase-table.js';
import { TASK_PHASES, TaskPhase, type TaskAct, type TaskEvent } from './task-phase.js';
import type { TaskStart } from './task-start.js';
import type { TaskSignal, TaskThread } from './task-thread.js';
import type { FromTask } from './task-thread-node.js';
import { TaskWorker, type TaskWorkerEvents, type ThreadEnd } from './task-worker-node.js';
import type { WatchdogBite } from './watchdog-bite.js';

export type { TaskOptions } from './task-start.js';

/** The wait before the first restart; each further restart in a row waits twice as long as the one before. */
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 30_000;
/** A task that ran this long without a panic begins with the first back-off again. */
const CALM_MS = 60_000;
/** A thread that has not ended by then is in a synchronous call, which only the end of the process ends. */
const END_LIMIT_MS = 2000;

/** The end of a task that `terminate` ends between two threads. */
const TERMINATED: ThreadEnd = { status: 1 };

/** Returns the milliseconds before the n-th restart in a row, from 1 on. */
export function backOffMs(restart: number): number {
  return Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (restart - 1));
}

/** A program that runs as the async task in a thread of its own. Made by `startTask`. */
export class AsyncTask {
  readonly #start: TaskStart;
  readonly #started = new Deferred<TaskThread>();
  readonly #ready = new Deferred<undefined>();
  readonly #ended = new Deferred<number>();
  #phase: TaskPhase = TaskPhase.RUNNING;
  /** The present thread; `undefined` while WAITING and once ENDED. */
  #worker: TaskWorker | undefined;
  #startedMs = 0;
  #restarts = 0;
  #restartsInRow = 0;
  #keepsAlive = true;
  #backOff: Alarm | undefined;
  /** Keeps the process alive between two threads. */
  #hold: MessagePort | undefined;
  #onWatchdog: ((bite: WatchdogBite) => void) | undefined;
  #onMessage: ((value: unknown) => void) | undefined;
  #onRestart: ((restarts: number) => void) | undefined;
  #onUnheard: ((signal: TaskSignal) => void) | undefined;

  constructor(start: TaskStart) {
    this.#start = start;
    // A failure is reported by `ended`; a caller need not also handle the rejections of these two.
    this.#started.promise.catch(() => undefined);
    this.#ready.promise.catch(() => undefined);
    this.#startThread();
  }

  /** Resolves with what the thread has in effect, before the program is loaded. */
  get started(): Promise<TaskThread> {
    return this.#started.promise;
  }

  /** Resolves when the program's module was evaluated. Rejects with the error that the module threw. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves with the program's exit status. Rejects with an error that the program did not catch. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  /** Number of restarts, each after a panic. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Sets the handler of the watchdog's bites, called while the callback still blocks. `undefined` removes
   * it.
   */
  onWatchdog(handler: ((bite: WatchdogBite) => void) | undefined): void {
    this.#onWatchdog = handler;
  }

  /** Sets the handler of restarts, called with their number so far. `undefined` removes it. */
  onRestart(handler: ((restarts: number) => void) | undefined): void {
    this.#onRestart = handler;
  }

  /**
   * Sets the handler of what the program posts with the `parentPort` of `node:worker_threads`. `undefined`
   * removes it.
   */
  onMessage(handler: ((value: unknown) => void) | undefined): void {
    this.#onMessage = handler;
  }

  /** Posts to the program's `parentPort`. A message to a task between two threads is lost. */
  postMessage(value: unknown, transfer: readonly object[] = []): void {
    this.#worker?.postMessage(value, transfer);
  }

  /**
   * Gives the program a signal as if the system had sent it: its `process.on(signal)` handlers are called.
   * A program without such a handler calls `onUnheard`.
   */
  signal(signal: TaskSignal): void {
    if (this.#worker === undefined) this.#onUnheard?.(signal);
    else this.#worker.signal(signal);
  }

  /** Sets the handler of a `signal` that the program has no handler for. `undefined` removes it. */
  onUnheard(handler: ((signal: TaskSignal) => void) | undefined): void {
    this.#onUnheard = handler;
  }

  /**
   * Ends the task's thread at once, in the middle of anything it does. Settles as `ended` does, when it is
   * over.
   */
  terminate(): Promise<number> {
    this.#enter('terminate', TERMINATED);
    return this.ended;
  }

  /** Lets the task keep this process alive. The default. */
  ref(): void {
    this.#keepsAlive = true;
    this.#worker?.ref();
    this.#hold?.ref();
  }

  /** Lets this process end though the task runs. */
  unref(): void {
    this.#keepsAlive = false;
    this.#worker?.unref();
    this.#hold?.unref();
  }

  // ---- what the thread reports

  readonly #events: TaskWorkerEvents = {
    onReport: (report) => {
      this.#onReport(report);
    },
    onBite: (bite, worker) => {
      // The bite of a thread that is over must not end the next one.
      if (bite.panic && worker === this.#worker) this.#enter('panic');
      this.#onWatchdog?.(bite);
    },
    onMessage: (value) => this.#onMessage?.(value),
    onEnd: (end) => {
      this.#enter('threadEnded', end);
    },
  };

  #onReport(report: FromTask): void {
    if (report.kind === 'started') this.#started.resolve(report.thread);
    else if (report.kind === 'ready') this.#ready.resolve(undefined);
    else if (report.kind === 'unheard') this.#onUnheard?.(report.signal);
  }

  // ---- phases and acts

  /** @param end how the task ends, if the event ends it. */
  #enter(event: TaskEvent, end: ThreadEnd = TERMINATED): void {
    const { to, acts } = stepOn(TASK_PHASES, this.#phase, event);
    this.#phase = to;
    const worker = this.#worker;
    if (event === 'threadEnded') this.#worker = undefined;
    for (const act of acts) this.#acts[act](worker, end);
  }

  readonly #acts: Readonly<Record<TaskAct, (worker: TaskWorker | undefined, end: ThreadEnd) => void>> = {
    startThread: () => this.#restart(),
    endThread: (worker) => void worker?.terminate(),
    endThreadOrProcess: (worker) => endOrKill(worker),
    startBackOff: () => this.#startBackOff(),
    cancelBackOff: () => {
      this.#backOff?.cancel();
      this.#release();
    },
    returnSignal: (worker) => {
      if (worker?.lastSignal !== undefined) this.#onUnheard?.(worker.lastSignal);
    },
    settle: (_, end) => this.#settle(end),
  };

  #startThread(): void {
    this.#startedMs = systemClock.nowMs();
    this.#worker = new TaskWorker(this.#start, this.#events);
    if (!this.#keepsAlive) this.#worker.unref();
  }

  #startBackOff(): void {
    const nowMs = systemClock.nowMs();
    if (nowMs - this.#startedMs > CALM_MS) this.#restartsInRow = 0;
    this.#restartsInRow += 1;
    // An alarm keeps no process alive; the task does, also between two threads.
    this.#hold = new MessageChannel().port1;
    if (this.#keepsAlive) this.#hold.ref();
    this.#backOff = systemClock.setAlarm(nowMs + backOffMs(this.#restartsInRow), () => {
      this.#enter('backOffOver');
    });
  }

  #release(): void {
    this.#hold?.close();
    this.#hold = undefined;
  }

  #restart(): void {
    this.#release();
    this.#restarts += 1;
    const waitedMs = backOffMs(this.#restartsInRow);
    warn(`the task is started anew, restart ${this.#restarts}, ${waitedMs} ms after it ended`);
    this.#startThread();
    this.#onRestart?.(this.#restarts);
  }

  #settle({ status, failure }: ThreadEnd): void {
    const reason = failure?.error ?? new Error(`the task ended with status ${status} before it was ready`);
    this.#started.reject(reason);
    this.#ready.reject(reason);
    if (failure === undefined) this.#ended.resolve(status);
    else this.#ended.reject(failure.error);
  }
}

/** Ends a thread, or the process if the thread cannot be ended. */
function endOrKill(worker: TaskWorker | undefined): void {
  const limit = systemClock.setAlarm(systemClock.nowMs() + END_LIMIT_MS, () => {
    warn(
      `the task's thread cannot be ended: it has been in a synchronous call for ${END_LIMIT_MS / 1000} s more; the process ends`,
    );
    process.kill(process.pid, 'SIGKILL');
  });
  void worker?.terminate().finally(() => {
    limit.cancel();
  });
}
