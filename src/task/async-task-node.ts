/**
 * The async task in a thread of its own, as its starter sees it. The task is supervised: when its watchdog
 * panics, its thread is ended and a new one is started (contract W2).
 *
 * `task-phase.ts` has the phases and the table; `AsyncTask.#enter` is the one place that changes the phase.
 */
import { Deferred } from '../support/deferred.js';
import { warn } from '../support/warn.js';
import { BackOff } from './back-off-node.js';
import { endOrKill } from './end-thread-node.js';
import { stepOn } from './phase-table.js';
import { TASK_PHASES, TaskPhase, type TaskAct, type TaskEvent } from './task-phase.js';
import type { TaskStart } from './task-start.js';
import type { TaskSignal, TaskThread } from './task-thread.js';
import type { FromTask } from './task-thread-node.js';
import { TaskWorker, type TaskWorkerEvents, type ThreadEnd } from './task-worker-node.js';
import type { WatchdogBite } from './watchdog-bite.js';

export type { TaskOptions } from './task-start.js';

/** The end of a task that `terminate` ends between two threads. */
const TERMINATED: ThreadEnd = { status: 1 };

/** A program that runs as the async task in a thread of its own. Made by `startTask`. */
export class AsyncTask {
  readonly #start: TaskStart;
  readonly #started = new Deferred<TaskThread>();
  readonly #ready = new Deferred<undefined>();
  readonly #ended = new Deferred<number>();
  #phase: TaskPhase = TaskPhase.RUNNING;
  /** The present thread; `undefined` while WAITING and once ENDED. */
  #worker: TaskWorker | undefined;
  readonly #backOff = new BackOff();
  #restarts = 0;
  #keepsAlive = true;
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
    this.#backOff.setKeepsAlive(true);
  }

  /** Lets this process end though the task runs. */
  unref(): void {
    this.#keepsAlive = false;
    this.#worker?.unref();
    this.#backOff.setKeepsAlive(false);
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
    startBackOff: () => {
      this.#backOff.begin(() => {
        this.#enter('backOffOver');
      });
    },
    cancelBackOff: () => {
      this.#backOff.cancel();
    },
    returnSignal: (worker) => {
      if (worker?.lastSignal !== undefined) this.#onUnheard?.(worker.lastSignal);
    },
    settle: (_, end) => this.#settle(end),
  };

  #startThread(): void {
    this.#backOff.threadStarted();
    this.#worker = new TaskWorker(this.#start, this.#events);
    if (!this.#keepsAlive) this.#worker.unref();
  }

  #restart(): void {
    this.#restarts += 1;
    warn(`the task is started anew, restart ${this.#restarts}, ${this.#backOff.waitMs} ms after it ended`);
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
