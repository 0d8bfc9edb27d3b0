/**
 * Node's part in callbacks: ticks between two callbacks, asynchronous contexts, and the exit of the process.
 */
import { AsyncResource } from 'node:async_hooks';
import { queueMicrotask } from '../support/microtask.js';
import { flushForExit } from '../support/callback-scope.js';
import type { CallbackRuntime } from './dispatch.js';
import { share, shared } from './shared-node.js';

const NAME = 'asynctcp';

/**
 * Returns a function that runs `process.nextTick` jobs and microtasks, as Node does between two callbacks
 * of its own. Returns `undefined` in runtimes that imitate Node: they run these jobs at the end of a
 * wake-up.
 */
export function tickRunner(): (() => void) | undefined {
  const run: unknown = Reflect.get(process, '_tickCallback');
  if (typeof run !== 'function') return undefined;
  const ticks = (): void => void Reflect.apply(run, process, []);
  return () => {
    while (!ranAll(ticks));
  };
}

/** Runs ticks until one throws: its error is uncaught. Returns true if none are left. */
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

/** Returns true if a resource keeps a store by the name, one of its symbols: a value that is no number. */
function isStore(resource: AsyncResource, name: symbol): boolean {
  const value: unknown = Reflect.get(resource, name);
  return value !== undefined && typeof value !== 'number';
}

function hasStores(resource: AsyncResource): boolean {
  for (const name of Object.getOwnPropertySymbols(resource)) if (isStore(resource, name)) return true;
  return false;
}

/** Returns a context without stores, also if the library is loaded in a context with stores. */
function emptyContext(): AsyncResource {
  const resource = new AsyncResource(NAME);
  for (const name of Object.getOwnPropertySymbols(resource)) {
    if (isStore(resource, name)) Reflect.set(resource, name, undefined);
  }
  return resource;
}

/**
 * Returns a resource that inherits the ids and stores of another one; it costs a fifth of a new
 * `AsyncResource`. Each callback needs its own, because before Node 24 a store that a callback enters is
 * written into the callback's resource. Returns the resource itself in runtimes that imitate Node: their
 * private fields are not inherited.
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
 * Binds a handler to the present `AsyncLocalStorage` stores. Without stores, the usual case, the handler
 * itself is returned, which costs no memory.
 */
export function bindHandler<Arguments extends unknown[]>(
  handler: (...args: Arguments) => unknown,
): (...args: Arguments) => unknown {
  const resource = new AsyncResource(NAME);
  if (!hasStores(resource)) return handler;
  return (...args) => childOf(resource).runInAsyncScope(handler, undefined, ...args);
}

export function callbackRuntime(): CallbackRuntime {
  const empty = emptyContext();
  return { context: () => childOf(empty), bindHandler };
}

const AT_EXIT_NAME = 'asynctcp.atExit';

type AddJob = (job: WeakRef<() => void>) => void;

/**
 * Sends at the exit of the process what the last callback wrote. All copies of this library in the thread
 * share one listener, because Node warns of many. The listener keeps the first copy alive, and no other.
 */
export function leaveAtExit(): void {
  const add: unknown = shared(AT_EXIT_NAME);
  if (typeof add === 'function') Reflect.apply(add, undefined, [new WeakRef(flushForExit)]);
  else share(AT_EXIT_NAME, listenForExit());
}

function listenForExit(): AddJob {
  let jobs: WeakRef<() => void>[] = [new WeakRef(flushForExit)];
  process.on('exit', () => {
    for (const job of jobs) job.deref()?.();
  });
  return (job) => {
    jobs = jobs.filter((other) => other.deref() !== undefined);
    jobs.push(job);
  };
}
