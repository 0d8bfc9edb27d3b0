/**
 * The first code of a task's thread: receives the starter's order, makes this thread the async task, and
 * runs the program in it. To the program the thread looks like a process of its own, with arguments,
 * standard input and signals.
 */
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { parentPort, threadId, type MessagePort } from 'node:worker_threads';
import { setImmediate } from '../support/immediate.js';
import { assert } from '../support/assert.js';
import { loadAddon } from '../addon/load-addon.js';
import { keepGate } from './exit-gate-node.js';
import { storeHandover } from './handover-node.js';
import {
  storeGroup,
  TaskGroupEnd,
  type GroupOrder,
  type PlaceOrder,
  type PlaceReport,
} from './task-group-node.js';
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
  /** `undefined` for a task that is in no group. */
  readonly group: GroupOrder | undefined;
  /** The gate between examinations of this thread and the exit of the process. */
  readonly exitGate: Int32Array;
}

/** Messages to the starter. */
export type FromTask =
  | { readonly kind: 'started'; readonly thread: TaskThread }
  | { readonly kind: 'ready' }
  | { readonly kind: 'wantsInput' }
  /** The program has no handler for the signal. */
  | { readonly kind: 'unheard'; readonly signal: TaskSignal }
  | PlaceReport;

/** Messages from the starter. */
export type ToTask =
  | {
      readonly kind: 'signal';
      readonly signal: TaskSignal;
      /**
       * The task of a group whose program has no handler for the signal ends: it drains within these
       * milliseconds.
       */
      readonly drainMs?: number | undefined;
    }
  | ({ readonly kind: 'accept' } & PlaceOrder);

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

/** Makes the task a member of its group. */
function joinGroup(
  order: GroupOrder | undefined,
  report: (message: FromTask) => void,
): TaskGroupEnd | undefined {
  if (order === undefined) return undefined;
  const group = new TaskGroupEnd(order, report);
  storeGroup(group);
  return group;
}

/** Ends what the task serves, then the thread with the status that the program has set. */
async function drainAndExit(group: TaskGroupEnd, withinMs: number): Promise<void> {
  await group.drain(withinMs);
  process.exit();
}

async function main(): Promise<void> {
  assert(parentPort !== null, 'a task runs in a thread of its own');
  const [order] = (await once(parentPort, 'message')) as [TaskOrder];
  const { program, settings, variables, supervisor, control, exitGate } = order;
  const report = (message: FromTask): void => control.postMessage(message);
  const group = joinGroup(order.group, report);
  control.on('message', (message: ToTask) => {
    if (message.kind === 'accept') {
      group?.onOrder(message);
      return;
    }
    const { signal, drainMs } = message;
    if (process.listenerCount(signal) > 0) process.emit(signal, signal);
    else if (group !== undefined && drainMs !== undefined) void drainAndExit(group, drainMs);
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
  const ready = (): void => {
    group?.loaded();
    report({ kind: 'ready' });
  };
  // A server that the program has begun listens one turn of the loop later, and reports that in another one.
  runProgram(program, group === undefined ? ready : () => setImmediate(() => setImmediate(ready)));
}

await main();
