/**
 * Uncaught errors and unhandled rejections while networks run. The runtime has one path for them; each goes
 * to the network whose program has caused it, once.
 *
 * The ticks and microtasks of a program follow the turn of its network. Immediates and real input and output
 * may come after the turn of another one: while several networks run, an `AsyncLocalStorage` says whose they
 * are. A single network does without it, because it makes promises slow on Node 20 and 22.
 *
 * Call order: `captureUncaught` → `turnOf` for each turn → the function that `captureUncaught` has returned.
 */
import { queueMicrotask } from '../support/microtask.js';
import { builtin, processMethod } from './runtime.js';

type Taker = (error: unknown) => void;

/** An `AsyncLocalStorage`. */
interface Stores {
  run<Value>(store: Taker, job: () => Value): Value;
  getStore(): unknown;
  disable(): void;
}

const hasCapture = processMethod('hasUncaughtExceptionCaptureCallback');
const setCapture = processMethod('setUncaughtExceptionCaptureCallback');
const listenersOf = processMethod('rawListeners');
const addListener = processMethod('on');
const removeListener = processMethod('removeListener');

/** The networks that run. */
const takers: Taker[] = [];
/** Whose turn was the last one. */
let last: Taker | undefined;
let stores: Stores | undefined;
/** Events of the runtime's process that `pass` hears, and their other listeners, which rest meanwhile. */
let events: readonly string[] = [];
let rested: (readonly [event: string, listener: unknown])[] = [];
/** Errors of programs whose networks do not run: they are uncaught when no network runs any more. */
let strays: unknown[] = [];

/** Takes the errors of programs whose networks have work at the present instant, but no run. */
export const UNASKED: Taker = (error) => {
  strays.push(error);
};

/**
 * Passes the uncaught errors of a network's program to `take` until the returned function is called. Errors
 * go the runtime's usual way where that cannot be, or where others catch them already.
 */
export function captureUncaught(take: Taker): () => void {
  if (takers.length === 0 && !install()) return () => undefined;
  takers.push(take);
  last = take;
  return () => {
    takers.splice(takers.indexOf(take), 1);
    if (last === take) last = undefined;
    if (takers.length === 0) uninstall();
  };
}

/** Runs one turn of a network, whose program's errors go to `take`. */
export function turnOf<Value>(take: Taker, turn: () => Value): Value {
  last = take;
  const others = takers.filter((other) => other !== take).length;
  if (others > 0) stores ??= makeStores();
  return others > 0 && stores !== undefined ? stores.run(take, turn) : turn();
}

function pass(error: unknown): void {
  const stored = stores?.getStore();
  const owner = takers.find((taker) => taker === stored);
  if (owner !== undefined) owner(error);
  else if (typeof stored === 'function') UNASKED(error);
  else (takers.find((taker) => taker === last) ?? UNASKED)(error);
}

function makeStores(): Stores | undefined {
  const hooks = builtin('async_hooks');
  const made: unknown =
    typeof hooks === 'object' && hooks !== null ? Reflect.get(hooks, 'AsyncLocalStorage') : undefined;
  if (typeof made !== 'function') return undefined;
  const found: unknown = Reflect.construct(made, []);
  return isStores(found) ? found : undefined;
}

function isStores(value: unknown): value is Stores {
  return typeof value === 'object' && value !== null && 'run' in value && 'getStore' in value;
}

function install(): boolean {
  if (setCapture === undefined || hasCapture?.() === true) return false;
  events = ['unhandledRejection'];
  try {
    setCapture(pass);
  } catch {
    // The module `domain` is in use, which leaves the listeners alone.
    events = ['unhandledRejection', 'uncaughtException'];
  }
  for (const event of events) {
    const found: unknown = listenersOf?.(event);
    for (const listener of Array.isArray(found) ? found : []) {
      rested.push([event, listener]);
      removeListener?.(event, listener);
    }
    addListener?.(event, pass);
  }
  return true;
}

function uninstall(): void {
  if (hasCapture?.() === true) setCapture?.(null);
  for (const event of events) removeListener?.(event, pass);
  for (const [event, listener] of rested) addListener?.(event, listener);
  rested = [];
  stores?.disable();
  const uncaught = strays;
  strays = [];
  for (const error of uncaught) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
