/**
 * The one place that calls the user's callbacks. Callbacks run one at a time; a callback that throws costs
 * its own connection, and its exception reaches the runtime's uncaught-error path once (contract L1, L7).
 *
 * When a callback returns, the bytes that it wrote are sent (D3). The loop that brought the event then runs
 * the ticks and microtasks that the callback caused, before the next callback (L11).
 *
 * There is a function for each number of arguments, because the data path makes no array and no closure per
 * call. Each call stores the beat, which the watchdog reads from its thread: number and kind of the
 * callback while it runs, 0 between callbacks.
 */
import { assert } from '../support/assert.js';
import { enterCallback, leaveCallback } from '../support/callback-scope.js';
import { throwUncaught } from '../support/uncaught.js';
import { BEAT, BEAT_SETTINGS, BEAT_WORDS } from './beat.js';
import { KIND_BITS, type CallbackKind } from './callback-kind.js';
import type { CallbackMeter } from './callback-meter.js';
import type { ConnectionReport } from './connection-report.js';

/** The owner of a callback, a connection or a server. */
export interface CallbackOwner {
  /** Called once if the callback throws, or returns a promise that is rejected. */
  callbackThrew(error: unknown): void;
  /** Returns the connection of the callback, for the watchdog's report. */
  report(): ConnectionReport;
}

/**
 * Bits of the beat that hold the callback's number. It wraps, which takes far longer than the watchdog's
 * samples.
 */
const NUMBER_MASK = 0x3fff_ffff & -(1 << KIND_BITS);

/** Distance between the first numbers of two copies of this library in one thread. */
const COPY_STRIDE = 0x9e_3779 << KIND_BITS;

/** The runtime's part in callbacks. */
export interface CallbackRuntime {
  /**
   * Returns an asynchronous context without stores, for one callback. A handler that was set in another
   * context is bound to that one.
   */
  readonly context: (() => CallbackContext) | undefined;
  /** Binds a handler to the context in which it is set. */
  readonly bindHandler: HandlerBinder;
}

type HandlerBinder = <Arguments extends unknown[]>(
  handler: (...args: Arguments) => unknown,
) => (...args: Arguments) => unknown;

/** The part of Node's `AsyncResource` that is used here. */
export interface CallbackContext {
  runInAsyncScope<This, Arguments extends unknown[], Result>(
    handler: (this: This, ...args: Arguments) => Result,
    thisArg: This,
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

/** Calls callbacks by the runtime's means from now on. */
export function callWith(runtime: CallbackRuntime): void {
  context = runtime.context;
  binder = runtime.bindHandler;
}

/** Returns the handler bound to the present asynchronous context. */
export function bindHandler<Arguments extends unknown[]>(
  handler: ((...args: Arguments) => unknown) | undefined,
): ((...args: Arguments) => unknown) | undefined {
  return handler === undefined ? undefined : binder(handler);
}

/**
 * Stores the beat into memory that a watchdog reads, from now on.
 * @param ownSettings the packed settings of this copy's callbacks.
 * @param copy the number of this copy of the library in the thread, from 0 on.
 */
export function beatInto(shared: Int32Array, ownSettings: number, copy: number): void {
  settings = ownSettings;
  number = Math.imul(copy, COPY_STRIDE) & NUMBER_MASK;
  const running = Atomics.load(beat, BEAT);
  beat = shared;
  if (running !== 0) store(running);
}

/**
 * Stores the beat without Atomics, which would cost more than all the rest of a call. A plain store is
 * enough, because no other memory depends on its order.
 */
function store(value: number): void {
  // Other copies store into the same words, and their settings may differ.
  if (beat[BEAT_SETTINGS] !== settings) beat[BEAT_SETTINGS] = settings;
  beat[BEAT] = value;
}

/** Measures every callback from now on. */
export function measureWith(callbackMeter: CallbackMeter): void {
  meter = callbackMeter;
}

/** Returns the connection whose callback runs at this moment; `undefined` between callbacks. */
export function runningCallback(): ConnectionReport | undefined {
  return running?.report();
}

function enter(owner: CallbackOwner, kind: CallbackKind): void {
  assert(running === undefined, 'callbacks run one at a time');
  running = owner;
  number = (number + (1 << KIND_BITS)) & NUMBER_MASK;
  // No engine delays the store past the call of an unknown function.
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
 * Follows the promise that a callback returned: its rejection counts as the callback's exception (contract
 * L7).
 * @returns a promise that is fulfilled when the other one is settled; `undefined` without a promise.
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

function threw(owner: CallbackOwner, error: unknown): void {
  throwUncaught(error);
  owner.callbackThrew(error);
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

/**
 * As `call1`. Returns a promise that is fulfilled when the callback's own promise is settled, if it
 * returned one.
 */
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

/**
 * Calls a method of `owner` as a callback, in a context of the owner's own: for streams of another API, which
 * keep contexts of their own. The method returns no promise.
 */
export function callIn<Owner extends CallbackOwner, A>(
  owner: Owner,
  kind: CallbackKind,
  own: CallbackContext,
  method: (this: Owner, a: A) => void,
  a: A,
): void {
  enter(owner, kind);
  try {
    own.runInAsyncScope(method, owner, a);
  } catch (error) {
    threw(owner, error);
  } finally {
    leave(kind);
  }
}
