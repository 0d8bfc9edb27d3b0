/**
 * What Node offers for callbacks: the ticks between two of them, asynchronous contexts, and the process's
 * exit.
 */
import { AsyncResource } from 'node:async_hooks';
import process from 'node:process';
import { queueMicrotask } from '../support/microtask.js';
import { leaveForExit } from '../support/callback-scope.js';
import type { CallbackRuntime } from './dispatch.js';
import { share, shared } from './shared-node.js';

const NAME = 'asynctcp';

/**
 * Returns what runs `process.nextTick` jobs and microtasks, as Node does between two callbacks of its own.
 * `undefined` in runtimes that imitate Node: there they run when a wake-up is over.
 */
export function tickRunner(): (() => void) | undefined {
  const run: unknown = Reflect.get(process, '_tickCallback');
  if (typeof run !== 'function') return undefined;
  const ticks = (): void => void Reflect.apply(run, process, []);
  return () => {
    while (!ranAll(ticks));
  };
}

/** A tick that throws is uncaught, and costs itself: the others have their turn. */
function ranAll(ticks: () => void): boolean {
  try {
    ticks();
    return true;
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
    return false;
  }
}

/** Names of the stores that a resource keeps: everything of it that is no number and was set. */
function storesOf(resource: AsyncResource): readonly symbol[] {
  return Object.getOwnPropertySymbols(resource).filter((name) => {
    const value: unknown = Reflect.get(resource, name);
    return value !== undefined && typeof value !== 'number';
  });
}

/** A context without stores, also where the library is loaded in one that has some. */
function emptyContext(): AsyncResource {
  const resource = new AsyncResource(NAME);
  for (const name of storesOf(resource)) Reflect.set(resource, name, undefined);
  return resource;
}

/**
 * Returns a resource that inherits the ids and stores of another one. Before Node 24 a store that a callback
 * enters is written into the resource that it runs in, so each callback has its own. This one costs a fifth
 * of a new `AsyncResource`. In runtimes that imitate Node, whose resources have private fields, it runs in
 * the resource itself.
 */
function childOf(resource: AsyncResource): AsyncResource {
  if (!canInherit) return resource;
  const child: unknown = Object.create(resource);
  return child instanceof AsyncResource ? child : resource;
}

const canInherit = inheritsResources();

function inheritsResources(): boolean {
  const child: unknown = Object.create(new AsyncResource(NAME));
  try {
    return child instanceof AsyncResource && child.runInAsyncScope(() => true, undefined);
  } catch {
    return false;
  }
}

/**
 * Binds a handler to the `AsyncLocalStorage` stores in force. A handler that is set while there are none, as
 * most are, is returned as it is: then it costs no memory.
 */
export function bindHandler<Arguments extends unknown[]>(
  handler: (...args: Arguments) => unknown,
): (...args: Arguments) => unknown {
  const resource = new AsyncResource(NAME);
  if (storesOf(resource).length === 0) return handler;
  return (...args) => childOf(resource).runInAsyncScope(handler, undefined, ...args);
}

export function callbackRuntime(): CallbackRuntime {
  const empty = emptyContext();
  return { context: () => childOf(empty), bindHandler };
}

const AT_EXIT_NAME = 'asynctcp.atExit';

type AddJob = (job: WeakRef<() => void>) => void;

/**
 * Has what a callback wrote before it ends the process leave when the process ends. All copies of this
 * library in the thread share one listener: Node warns of many. It keeps no copy alive but the first.
 */
export function leaveAtExit(): void {
  const add: unknown = shared(AT_EXIT_NAME);
  if (typeof add === 'function') Reflect.apply(add, undefined, [new WeakRef(leaveForExit)]);
  else share(AT_EXIT_NAME, listenForExit());
}

function listenForExit(): AddJob {
  let jobs: WeakRef<() => void>[] = [new WeakRef(leaveForExit)];
  process.on('exit', () => {
    for (const job of jobs) job.deref()?.();
  });
  return (job) => {
    jobs = jobs.filter((other) => other.deref() !== undefined);
    jobs.push(job);
  };
}
