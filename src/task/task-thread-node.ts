/**
 * The first code of a task's thread: takes the starter's order, makes this thread the async task, and runs
 * the program in it. To the program the thread looks like a process of its own: its arguments, its standard
 * input, and the signals that it listens to.
 */
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { parentPort, threadId, type MessagePort } from 'node:worker_threads';
import { assert } from '../support/assert.js';
import { loadAddon } from '../addon/load-addon.js';
import { runProgram } from './program-node.js';
import { leaveGift } from './starters-gift-node.js';
import type { TaskSettings, Variables } from './task-settings.js';
import type { TaskSignal, TaskThread } from './task-thread.js';
import { threadInEffect } from './thread-in-effect.js';
import { applyThreadSettings, threadProbe } from './thread-node.js';

/** What the starter sends first. */
export interface TaskOrder {
  /** URL of the program's module. */
  readonly program: string;
  readonly settings: TaskSettings;
  readonly variables: Variables;
  /** The watchdog tells the supervisor of its bites here. */
  readonly supervisor: MessagePort;
  /** Between the starter and this file. */
  readonly control: MessagePort;
}

/** To the starter. */
export type FromTask =
  | { readonly kind: 'started'; readonly thread: TaskThread }
  | { readonly kind: 'ready' }
  | { readonly kind: 'wantsInput' }
  /** Nobody in the task listens to the signal. */
  | { readonly kind: 'unheard'; readonly signal: TaskSignal };

/** From the starter. */
export interface ToTask {
  readonly signal: TaskSignal;
}

/** As the C++ library names its task. */
const THREAD_NAME = 'async_tcp';

function nameThread(): void {
  loadAddon().addon?.setName(THREAD_NAME);
}

function describeThread(settings: TaskSettings): TaskThread {
  const systemThreadId = loadAddon().addon?.threadId();
  return { threadId, systemThreadId, ...threadInEffect(settings, threadProbe()) };
}

/** The starter's standard input is read only for a program that asks for it. */
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
  const { program, settings, variables, supervisor, control } = order;
  const tell = (message: FromTask): void => control.postMessage(message);
  control.on('message', ({ signal }: ToTask) => {
    if (process.listenerCount(signal) > 0) process.emit(signal, signal);
    else tell({ kind: 'unheard', signal });
  });
  control.unref();
  leaveGift(supervisor, variables);
  nameThread();
  applyThreadSettings(settings);
  tell({ kind: 'started', thread: describeThread(settings) });
  offerInput(() => {
    tell({ kind: 'wantsInput' });
  });
  if (program.startsWith('file:')) process.argv[1] = fileURLToPath(program);
  runProgram(program, () => {
    tell({ kind: 'ready' });
  });
}

await main();
