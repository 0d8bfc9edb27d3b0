/**
 * The one place from which a user's callback is called. Callbacks run one at a time; one that throws costs
 * its own connection, and the exception reaches the runtime's uncaught-error path once (contract L1, L7).
 *
 * When a callback has returned, what it wrote leaves (D3). The loop that brought the event runs the ticks and
 * microtasks that the callback caused before the next one (L11).
 *
 * There is a function for each number of arguments, because the data path makes no array and no closure per
 * call. Around each call the beat is stored, which the watchdog reads from its thread: the number of the
 * callback and its kind while it runs, 0 between callbacks.
 */
import { assert } from '../support/assert.js';
import { enterCallback, leaveCallback } from '../support/callback-scope.js';
import { queueMicrotask } from '../support/microtask.js';
import { BEAT, BEAT_SETTINGS, BEAT_WORDS } from './beat.js';
import { KIND_BITS, type CallbackKind } from './callback-kind.js';
import type { CallbackMeter } from './callback-meter.js';
import type { ConnectionReport } from './connection-report.js';

/** Whose callback runs: it is told when the callback threw. */
export interface CallbackOwner {
  callbackThrew(): void;
  report(): ConnectionReport;
}

/** The number of a callback starts anew after so many: no watchdog looks away for as long. */
const NUMBER_MASK = 0x3fff_ffff & -(1 << KIND_BITS);

/** Copies of this library in one thread begin to count so far apart. */
const COPY_STRIDE = 0x9e_3779 << KIND_BITS;

/** What the runtime offers for callbacks. */
export interface CallbackRuntime {
  /**
   * Returns an asynchronous context without any store, for one callback. Handlers that were set in another
   * one are bound to that one.
   */
  readonly context: (() => CallbackContext) | undefined;
  /** Binds a handler to the context that it is set in. */
  readonly bindHandler: HandlerBinder;
}

type HandlerBinder = <Arguments extends unknown[]>(
  handler: (...args: Arguments) => unknown,
) => (...args: Arguments) => unknown;

/** Node's `AsyncResource`, as far as it is used. */
export interface CallbackContext {
  runInAsyncScope<Arguments extends unknown[], Result>(
    handler: (...args: Arguments) => Result,
    thisArg: undefined,
    ...args: Arguments
  ): Result;
}

let beat: Int32Array = new Int32Array(BEAT_WORDS);
let settings = 0;
let number = 0;
let running: CallbackOwner | undefined;
let meter: CallbackMeter | undefined;
let context: (() => CallbackContext) | undefined;
let binder: HandlerBinder = (handler) => handler;

/** From now on callbacks are called with what the runtime offers for them. */
export function callWith(runtime: CallbackRuntime): void {
  context = runtime.context;
  binder = runtime.bindHandler;
}

/** The handler as it is to be called: in the asynchronous context in which it is set now. */
export function bindHandler<Arguments extends unknown[]>(
  handler: ((...args: Arguments) => unknown) | undefined,
): ((...args: Arguments) => unknown) | undefined {
  return handler === undefined ? undefined : binder(handler);
}

/**
 * Stores the beat where a watchdog sees it, from now on.
 * @param ownSettings of this copy's callbacks, as `packSettings` gives them.
 * @param copy which copy of the library in this thread this one is, from 0 on.
 */
export function beatInto(shared: Int32Array, ownSettings: number, copy: number): void {
  settings = ownSettings;
  number = Math.imul(copy, COPY_STRIDE) & NUMBER_MASK;
  const running = Atomics.load(beat, BEAT);
  beat = shared;
  if (running !== 0) store(running);
}

/**
 * No Atomics, which cost more than all the rest of a callback here: no other memory is read by this one's
 * order.
 */
function store(value: number): void {
  // The words are shared with other copies, whose callbacks may take another time.
  if (beat[BEAT_SETTINGS] !== settings) beat[BEAT_SETTINGS] = settings;
  beat[BEAT] = value;
}

/** From now on every callback is measured. */
export function measureWith(callbackMeter: CallbackMeter): void {
  meter = callbackMeter;
}

/** The connection whose callback runs at this moment. */
export function runningCallback(): ConnectionReport | undefined {
  return running?.report();
}

function enter(owner: CallbackOwner, kind: CallbackKind): void {
  assert(running === undefined, 'callbacks run one at a time');
  running = owner;
  number = (number + (1 << KIND_BITS)) & NUMBER_MASK;
  // An engine cannot keep the store back beyond a call that it does not know.
  store(number | kind);
  enterCallback();
  meter?.began();
}

function leave(kind: CallbackKind): void {
  running = undefined;
  beat[BEAT] = 0;
  meter?.ended(kind);
  leaveCallback();
}

/**
 * Follows what a callback returned: a promise that is rejected counts as its exception (contract L7).
 * @returns a promise that is fulfilled when that one is settled; `undefined` for what is no promise.
 */
function follow(owner: CallbackOwner, returned: unknown): Promise<void> | undefined {
  if (typeof returned !== 'object' || returned === null || !('then' in returned)) return undefined;
  return Promise.resolve(returned).then(
    () => undefined,
    (error: unknown) => {
      threw(owner, error);
    },
  );
}

/**
 * Thrown from a microtask of its own, the error is uncaught in every runtime, and no caller of ours is
 * unwound.
 */
function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function threw(owner: CallbackOwner, error: unknown): void {
  throwUncaught(error);
  owner.callbackThrew();
}

export function call1<A>(owner: CallbackOwner, kind: CallbackKind, handler: (a: A) => unknown, a: A): void {
  enter(owner, kind);
  try {
    const returned = context === undefined ? handler(a) : context().runInAsyncScope(handler, undefined, a);
    if (returned !== undefined) void follow(owner, returned);
  } catch (error) {
    threw(owner, error);
  } finally {
    leave(kind);
  }
}

/** As `call1`. Returns, of a callback that returned a promise, one that is fulfilled when that is settled. */
export function callFollowed<A>(
  owner: CallbackOwner,
  kind: CallbackKind,
  handler: (a: A) => unknown,
  a: A,
): Promise<void> | undefined {
  let settled: Promise<void> | undefined;
  enter(owner, kind);
  try {
    const returned = context === undefined ? handler(a) : context().runInAsyncScope(handler, undefined, a);
    settled = follow(owner, returned);
  } catch (error) {
    threw(owner, error);
  } finally {
    leave(kind);
  }
  return settled;
}

export function call2<A, B>(
  owner: CallbackOwner,
  kind: CallbackKind,
  handler: (a: A, b: B) => unknown,
  a: A,
  b: B,
): void {
  enter(owner, kind);
  try {
    const returned =
      context === undefined ? handler(a, b) : context().runInAsyncScope(handler, undefined, a, b);
    if (returned !== undefined) void follow(owner, returned);
  } catch (error) {
    threw(owner, error);
  } finally {
    leave(kind);
  }
}

export function call3<A, B, C>(
  owner: CallbackOwner,
  kind: CallbackKind,
  handler: (a: A, b: B, c: C) => unknown,
  a: A,
  b: B,
  c: C,
): void {
  enter(owner, kind);
  try {
    const returned =
      context === undefined ? handler(a, b, c) : context().runInAsyncScope(handler, undefined, a, b, c);
    if (returned !== undefined) void follow(owner, returned);
  } catch (error) {
    threw(owner, error);
  } finally {
    leave(kind);
  }
}
