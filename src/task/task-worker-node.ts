/**
 * One thread of a task, as its starter sees it: the worker and the ports to it. `AsyncTask` makes one for
 * each life of the program.
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
import { makeGate, removeGate } from './exit-gate-node.js';
import { MIB, taskStackBytes } from './stack-size.js';
import type { TaskStart } from './task-start.js';
import type { TaskSignal } from './task-thread.js';
import type { PlaceOrder } from './task-group-node.js';
import type { FromTask, TaskOrder, ToTask } from './task-thread-node.js';
import type { WatchdogBite } from './watchdog-bite.js';

/** The end of a thread. */
export interface ThreadEnd {
  readonly status: number;
  /** Present if an error that the program did not catch ended it. */
  readonly failure?: { readonly error: unknown };
}

export interface TaskWorkerEvents {
  onReport(report: FromTask, worker: TaskWorker): void;
  /** May come after `onEnd`. */
  onBite(bite: WatchdogBite, worker: TaskWorker): void;
  onMessage(value: unknown): void;
  /** The thread is over; once. */
  onEnd(end: ThreadEnd, worker: TaskWorker): void;
}

export class TaskWorker {
  readonly #worker: Worker;
  readonly #control: MessagePort;
  /** The last signal that was sent to the thread. */
  #signal: TaskSignal | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor({ program, settings, variables, options, group }: TaskStart, events: TaskWorkerEvents) {
    const control = new MessageChannel();
    const supervisor = new MessageChannel();
    this.#control = control.port1;
    this.#worker = new Worker(packageFile('dist/task/task-thread-node.js'), {
      name: 'async_tcp',
      argv: [...(options.argv ?? [])],
      stdin: options.stdin ?? false,
      workerData: options.workerData,
      resourceLimits: { stackSizeMb: taskStackBytes(settings.stackWords) / MIB },
    });
    const exitGate = makeGate();
    this.#worker.once('exit', () => {
      removeGate(exitGate);
    });
    const order: TaskOrder = {
      program,
      settings,
      supervisor: supervisor.port2,
      control: control.port2,
      variables,
      group,
      exitGate,
    };
    this.#worker.postMessage(order, [supervisor.port2, control.port2]);
    this.#listen(supervisor.port1, events);
  }

  get lastSignal(): TaskSignal | undefined {
    return this.#signal;
  }

  postMessage(value: unknown, transfer: readonly object[]): void {
    // The public type of `transfer` is wider than Node's, so that users need no types of Node.
    this.#worker.postMessage(value, transfer as readonly Transferable[]);
  }

  /** @param drainMs in a group, the time in which a program without a handler is drained and ends. */
  signal(signal: TaskSignal, drainMs?: number): void {
    this.#signal = signal;
    this.#control.postMessage({ kind: 'signal', signal, drainMs } satisfies ToTask);
  }

  /** Makes the task accept from the socket of another task as well, or no longer. */
  accept(order: PlaceOrder): void {
    this.#control.postMessage({ kind: 'accept', ...order } satisfies ToTask);
  }

  /** Ends the thread in the middle of anything it does; resolves when it is over. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  ref(): void {
    this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  #listen(supervisor: MessagePort, events: TaskWorkerEvents): void {
    const worker = this.#worker;
    const control = this.#control;
    control.on('message', (report: FromTask) => {
      this.#report(report, events);
    });
    // Each copy of this library in the task may start a watchdog, which has a port of its own.
    supervisor.on('message', (port: MessagePort) => {
      port.on('message', (bite: WatchdogBite) => {
        events.onBite(bite, this);
      });
      port.unref();
    });
    control.unref();
    supervisor.unref();
    worker.on('message', (value) => {
      events.onMessage(value);
    });
    worker.on('error', (error) => {
      this.#failure = { error };
    });
    worker.on('exit', (status) => {
      // The last reports of the thread may arrive after its end.
      let last = receiveMessageOnPort(control);
      for (; last !== undefined; last = receiveMessageOnPort(control)) {
        this.#report(last.message as FromTask, events);
      }
      control.close();
      supervisor.close();
      events.onEnd(this.#failure === undefined ? { status } : { status, failure: this.#failure }, this);
    });
  }

  #report(report: FromTask, events: TaskWorkerEvents): void {
    const { stdin } = this.#worker;
    if (report.kind === 'wantsInput' && stdin !== null) lendInput(stdin, this.#worker);
    else events.onReport(report, this);
  }
}

/**
 * Passes this process's standard input on to the program that asked for it. The input does not keep the
 * process alive by itself.
 */
function lendInput(into: Writable, worker: Worker): void {
  const { stdin } = process;
  stdin.pipe(into);
  // An input that is a file has no `unref`, and needs none.
  if ('unref' in stdin) stdin.unref();
  worker.once('exit', () => {
    stdin.unpipe(into);
  });
}
