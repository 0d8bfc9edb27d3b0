/**
 * The first code of a task's thread: receives the starter's order, makes this thread the async task, and
 * runs the program in it. To the program the thread looks like a process of its own, with arguments,
 * standard input and signals.
 */
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { parentPort, threadId, type MessagePort } from 'node:worker_threads';
import { assert } from '../support/assert.js';
import { loadAddon } from '../addon/load-addon.js';
import { keepGate } from './exit-gate-node.js';
import { storeHandover } from './handover-node.js';
import { runProgram } from './program-node.js';
import type { TaskSettings, Variables } from './task-settings.js';
import type { TaskSignal, TaskThread } from './task-thread.js';
import { threadInEffect } from './thread-in-effect.js';
import { applyThreadSettings, threadProbe } from './thread-node.js';

/** The starter's first message. */
export interface TaskOrder {
  /** URL of the program's module. */
  readonly program: string;
  readonly settings: TaskSettings;
  readonly variables: Variables;
  /** Port on which watchdogs report their bites to the supervisor. */
  readonly supervisor: MessagePort;
  /** Port between the starter and this file. */
  readonly control: MessagePort;
  /** The gate between examinations of this thread and the exit of the process. */
  readonly exitGate: Int32Array;
}

/** Messages to the starter. */
export type FromTask =
  | { readonly kind: 'started'; readonly thread: TaskThread }
  | { readonly kind: 'ready' }
  | { readonly kind: 'wantsInput' }
  /** The program has no handler for the signal. */
  | { readonly kind: 'unheard'; readonly signal: TaskSignal };

/** Messages from the starter. */
export interface ToTask {
  readonly signal: TaskSignal;
}

/** The name of the task in the C++ library. */
const THREAD_NAME = 'async_tcp';

function nameThread(): void {
  loadAddon().addon?.setName(THREAD_NAME);
}

function describeThread(settings: TaskSettings): TaskThread {
  const systemThreadId = loadAddon().addon?.threadId();
  return { threadId, systemThreadId, ...threadInEffect(settings, threadProbe()) };
}

/**
 * Calls `ask` at the program's first use of `process.stdin`: only then the starter reads its standard
 * input.
 */
function offerInput(ask: () => void): void {
  const own = Object.getOwnPropertyDescriptor(process, 'stdin');
  if (own?.get === undefined) return;
  Object.defineProperty(process, 'stdin', {
    ...own,
    get: () => {
      Object.defineProperty(process, 'stdin', own);
      ask();
      return own.get?.call(process) as unknown;
    },
  });
}

async function main(): Promise<void> {
  assert(parentPort !== null, 'a task runs in a thread of its own');
  const [order] = (await once(parentPort, 'message')) as [TaskOrder];
  const { program, settings, variables, supervisor, control, exitGate } = order;
  const report = (message: FromTask): void => control.postMessage(message);
  control.on('message', ({ signal }: ToTask) => {
    if (process.listenerCount(signal) > 0) process.emit(signal, signal);
    else report({ kind: 'unheard', signal });
  });
  control.unref();
  storeHandover(supervisor, variables);
  keepGate(exitGate);
  nameThread();
  applyThreadSettings(settings);
  report({ kind: 'started', thread: describeThread(settings) });
  offerInput(() => {
    report({ kind: 'wantsInput' });
  });
  if (program.startsWith('file:')) process.argv[1] = fileURLToPath(program);
  runProgram(program, () => {
    report({ kind: 'ready' });
  });
}

await main();
