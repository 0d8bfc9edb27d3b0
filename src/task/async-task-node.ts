/**
 * The async task in a thread of its own, as whoever started it sees it: it is supervised, and when the
 * watchdog panics, it is ended and started anew (contract W2).
 *
 * States: running → (bite with panic) → ending → waiting (back-off) → running …; at the end, ended.
 */
import type { Writable } from 'node:stream';
import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
  type MessagePort,
  type Transferable,
} from 'node:worker_threads';
import { packageFile } from '../addon/package-folder.js';
import { systemClock, type Alarm } from '../support/clock.js';
import { Deferred } from '../support/deferred.js';
import { warn } from '../support/warn.js';
import { MIB, taskStackBytes } from './stack-size.js';
import type { TaskSettings, Variables } from './task-settings.js';
import type { TaskSignal, TaskThread } from './task-thread.js';
import type { FromTask, TaskOrder, ToTask } from './task-thread-node.js';
import type { WatchdogBite } from './watchdog-bite.js';

/** How a task is started, beside its configuration. */
export interface TaskOptions {
  /** The program's arguments: its `process.argv` from the third on. */
  argv?: readonly string[];
  /** The program may read this process's standard input. Default false: its own is empty. */
  stdin?: boolean;
  /** What the program finds as `workerData` of `node:worker_threads`. */
  workerData?: unknown;
}

/** The first restart waits so long, each further one twice as long as the one before. */
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 30_000;
/** A task that ran for so long without a panic begins with the first back-off again. */
const CALM_MS = 60_000;
/**
 * A thread that has not ended by then is in a synchronous call that nothing ends but the end of the
 * process.
 */
const END_LIMIT_MS = 2000;

/** The wait before the n-th restart in a row, from 1 on. */
export function backOffMs(restart: number): number {
  return Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (restart - 1));
}

/**
 * The program that asked for it reads this process's input, which does not keep the process alive on its
 * own.
 */
function lendInput(into: Writable, worker: Worker): void {
  const { stdin } = process;
  stdin.pipe(into);
  // A file has nothing to let go of.
  if ('unref' in stdin) stdin.unref();
  worker.once('exit', () => {
    stdin.unpipe(into);
  });
}

/** What a task is started with. */
export interface TaskStart {
  /** URL of the program's module. */
  readonly program: string;
  readonly settings: TaskSettings;
  readonly variables: Variables;
  readonly options: TaskOptions;
}

/** A program that runs as the async task in a thread of its own. Made by `startTask`. */
export class AsyncTask {
  readonly #start: TaskStart;
  readonly #started = new Deferred<TaskThread>();
  readonly #ready = new Deferred<undefined>();
  readonly #ended = new Deferred<number>();
  #worker: Worker | undefined;
  #control: MessagePort | undefined;
  #restarts = 0;
  #restartsInRow = 0;
  #startedMs = 0;
  #panicked = false;
  /** `terminate` was called: nothing is started anew, though a bite may be on its way. */
  #isEnding = false;
  #keepsAlive = true;
  #backOff: Alarm | undefined;
  /** Keeps the process alive between two threads. */
  #hold: MessagePort | undefined;
  /** Given to the present thread. */
  #signalled: TaskSignal | undefined;
  #onWatchdog: ((bite: WatchdogBite) => void) | undefined;
  #onMessage: ((value: unknown) => void) | undefined;
  #onRestart: ((restarts: number) => void) | undefined;
  #onUnheard: ((signal: TaskSignal) => void) | undefined;

  constructor(start: TaskStart) {
    this.#start = start;
    // Whoever waits for the end hears of a failure there; these two are for whoever wants to know earlier.
    this.#started.promise.catch(() => undefined);
    this.#ready.promise.catch(() => undefined);
    this.#run();
  }

  /** The thread stands, with what it has in effect; the program is not loaded yet. */
  get started(): Promise<TaskThread> {
    return this.#started.promise;
  }

  /** The program's module was evaluated. Rejects with what the module threw. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** The program is over, with its exit status. Rejects with an error that the program did not catch. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  /** How often the task was started anew, each time after a panic. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Told of each bite of the task's watchdog, while the callback still blocks. `undefined` removes it. */
  onWatchdog(handler: ((bite: WatchdogBite) => void) | undefined): void {
    this.#onWatchdog = handler;
  }

  /** Told when the task was started anew, and how often that was. `undefined` removes it. */
  onRestart(handler: ((restarts: number) => void) | undefined): void {
    this.#onRestart = handler;
  }

  /**
   * Told of what the program posts with the `parentPort` of `node:worker_threads`. `undefined` removes it.
   */
  onMessage(handler: ((value: unknown) => void) | undefined): void {
    this.#onMessage = handler;
  }

  /** Posts to the program's `parentPort`. A task that is being started anew does not get it. */
  postMessage(value: unknown, transfer: readonly object[] = []): void {
    // Node's own type of what can be transferred needs Node's types where this library is used.
    this.#worker?.postMessage(value, transfer as readonly Transferable[]);
  }

  /**
   * Gives the program a signal as if it came from the system: its `process.on(signal)` handlers are called.
   * `onUnheard` is told when it has none.
   */
  signal(signal: TaskSignal): void {
    if (this.#control === undefined) {
      this.#onUnheard?.(signal);
      return;
    }
    this.#signalled = signal;
    this.#control.postMessage({ signal } satisfies ToTask);
  }

  /** Told of a `signal` that the program does not listen to. `undefined` removes it. */
  onUnheard(handler: ((signal: TaskSignal) => void) | undefined): void {
    this.#onUnheard = handler;
  }

  /**
   * Ends the task's thread at once, in the middle of whatever it does. Answers as `ended` does, when it is
   * over.
   */
  async terminate(): Promise<number> {
    this.#isEnding = true;
    this.#backOff?.cancel();
    const isWaiting = this.#panicked && this.#worker === undefined;
    this.#panicked = false;
    this.#release();
    if (isWaiting) this.#over(1, undefined);
    else await this.#worker?.terminate();
    return this.ended;
  }

  /** The task keeps this process alive. The default. */
  ref(): void {
    this.#keepsAlive = true;
    this.#worker?.ref();
    this.#hold?.ref();
  }

  /** The task does not keep this process alive. */
  unref(): void {
    this.#keepsAlive = false;
    this.#worker?.unref();
    this.#hold?.unref();
  }

  // ---- one thread after the other

  #run(): void {
    const { program, settings, variables, options } = this.#start;
    const control = new MessageChannel();
    const supervisor = new MessageChannel();
    const worker = new Worker(packageFile('dist/task/task-thread-node.js'), {
      name: 'async_tcp',
      argv: [...(options.argv ?? [])],
      stdin: options.stdin ?? false,
      workerData: options.workerData,
      resourceLimits: { stackSizeMb: taskStackBytes(settings.stackWords) / MIB },
    });
    this.#worker = worker;
    this.#control = control.port1;
    this.#startedMs = systemClock.nowMs();
    const order: TaskOrder = {
      program,
      settings,
      supervisor: supervisor.port2,
      control: control.port2,
      variables,
    };
    worker.postMessage(order, [supervisor.port2, control.port2]);
    if (!this.#keepsAlive) worker.unref();
    control.port1.on('message', (message: FromTask) => {
      this.#told(message, worker);
    });
    // Each copy of this library in the task has a watchdog, and a port for it.
    supervisor.port1.on('message', (port: MessagePort) => {
      port.on('message', (bite: WatchdogBite) => {
        this.#bitten(bite, worker);
      });
      port.unref();
    });
    control.port1.unref();
    supervisor.port1.unref();
    worker.on('message', (value) => this.#onMessage?.(value));
    let failure: { readonly error: unknown } | undefined;
    worker.on('error', (error) => {
      failure = { error };
    });
    worker.on('exit', (status) => {
      this.#toldLast(control.port1, worker);
      control.port1.close();
      supervisor.port1.close();
      this.#exited(status, failure);
    });
  }

  #release(): void {
    this.#hold?.close();
    this.#hold = undefined;
  }

  #told(message: FromTask, worker: Worker): void {
    if (message.kind === 'started') this.#started.resolve(message.thread);
    else if (message.kind === 'ready') this.#ready.resolve(undefined);
    else if (message.kind === 'unheard') this.#onUnheard?.(message.signal);
    else if (worker.stdin !== null) lendInput(worker.stdin, worker);
  }

  /** What the thread told last may come behind its end. */
  #toldLast(control: MessagePort, worker: Worker): void {
    for (;;) {
      const last = receiveMessageOnPort(control);
      if (last === undefined) return;
      this.#told(last.message as FromTask, worker);
    }
  }

  #bitten(bite: WatchdogBite, worker: Worker): void {
    if (bite.panic) this.#end(worker);
    this.#onWatchdog?.(bite);
  }

  /** Ends a task that panicked; where the thread cannot be ended, the process. */
  #end(worker: Worker): void {
    if (this.#panicked || this.#isEnding) return;
    this.#panicked = true;
    const limit = systemClock.setAlarm(systemClock.nowMs() + END_LIMIT_MS, () => {
      warn(
        `the task's thread cannot be ended: it has been in a synchronous call for ${END_LIMIT_MS / 1000} s more; the process ends`,
      );
      process.kill(process.pid, 'SIGKILL');
    });
    void worker.terminate().finally(() => {
      limit.cancel();
    });
  }

  #exited(status: number, failure: { readonly error: unknown } | undefined): void {
    this.#worker = undefined;
    this.#control = undefined;
    if (this.#panicked) {
      this.#restartLater();
      // A thread that was blocked until its end has heard nothing.
      if (this.#signalled !== undefined) this.#onUnheard?.(this.#signalled);
      this.#signalled = undefined;
      return;
    }
    this.#over(status, failure);
  }

  #over(status: number, failure: { readonly error: unknown } | undefined): void {
    const reason = failure?.error ?? new Error(`the task ended with status ${status} before it was ready`);
    this.#started.reject(reason);
    this.#ready.reject(reason);
    if (failure === undefined) this.#ended.resolve(status);
    else this.#ended.reject(failure.error);
  }

  #restartLater(): void {
    const nowMs = systemClock.nowMs();
    if (nowMs - this.#startedMs > CALM_MS) this.#restartsInRow = 0;
    this.#restartsInRow += 1;
    const waitMs = backOffMs(this.#restartsInRow);
    // The alarm keeps no process alive: the task does, also between two threads.
    this.#hold = new MessageChannel().port1;
    if (this.#keepsAlive) this.#hold.ref();
    this.#backOff = systemClock.setAlarm(nowMs + waitMs, () => {
      this.#release();
      this.#panicked = false;
      this.#restarts += 1;
      warn(`the task is started anew, restart ${this.#restarts}, ${waitMs} ms after it ended`);
      this.#run();
      this.#onRestart?.(this.#restarts);
    });
  }
}
