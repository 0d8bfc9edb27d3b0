/**
 * The runtime's timers, time of day and chance, played by a network. They are found and set by name,
 * because an engine may lack some of them.
 */
import { TimerHandle, timerOf } from './timer-handle.js';
import type { SeededRandom } from '../support/seeded-random.js';
import type { EventLoop } from './event-loop.js';
import { every, settled } from './promised-timers.js';
import { builtin } from './runtime.js';
import { fill, seededCrypto, uuid } from './seeded-crypto.js';
import { datedBy } from './virtual-http-date.js';

type Restore = () => void;
type Callback = (...args: readonly unknown[]) => void;

const PROMISIFIED = Symbol.for('nodejs.util.promisify.custom');

/** Replaces a property unless it is fixed, and returns a function that puts the old one back. */
function replace(holder: unknown, name: string, value: unknown): Restore {
  if (typeof holder !== 'object' && typeof holder !== 'function') return () => undefined;
  if (holder === null) return () => undefined;
  const old = Object.getOwnPropertyDescriptor(holder, name);
  if (old?.configurable === false) return () => undefined;
  Object.defineProperty(holder, name, { value, configurable: true, writable: true, enumerable: true });
  return () => {
    if (old === undefined) Reflect.deleteProperty(holder, name);
    else Object.defineProperty(holder, name, old);
  };
}

/** The globals that are installed: the program has no others. */
let installed: Disposable | undefined;

/** Returns the globals that are installed. */
export function installedGlobals(): Disposable | undefined {
  return installed;
}

/** Returns a function that closes a timer of the network, and passes others on to the runtime's `clear`. */
function clearWith(name: string): (handle: unknown) => void {
  const clear: unknown = Reflect.get(globalThis, name);
  return (handle) => {
    const timer = handle instanceof TimerHandle ? handle : timerOf(handle);
    if (timer !== undefined) timer.close();
    else if (typeof clear === 'function') Reflect.apply(clear, globalThis, [handle]);
  };
}

/**
 * Returns the job, bound to the present `AsyncLocalStorage` stores where there are any.
 * @throws TypeError if it is no function.
 */
function jobOf(job: Callback, args: readonly unknown[]): () => void {
  if (typeof job !== 'function') throw new TypeError('the callback of a timer must be a function');
  const call = (): void => {
    job(...args);
  };
  const resource = property(builtin('async_hooks'), 'AsyncResource');
  const bind = property(resource, 'bind');
  if (typeof bind !== 'function') return call;
  const bound: unknown = Reflect.apply(bind, resource, [call]);
  return () => {
    if (typeof bound === 'function') Reflect.apply(bound, undefined, []);
  };
}

function property(holder: unknown, name: string): unknown {
  const isHolder = typeof holder === 'function' || (typeof holder === 'object' && holder !== null);
  return isHolder ? Reflect.get(holder, name) : undefined;
}

/** Options of the timers of `timers/promises`. */
interface Abortable {
  readonly signal?: AbortSignal;
}

/** The timers of a network. */
function timersOf(loop: EventLoop): Readonly<Record<string, unknown>> {
  const sleep = <Value>(ms?: number, value?: Value, options?: Abortable): Promise<Value | undefined> =>
    settled((done) => new TimerHandle(loop, ms, done, 'once'), value, options?.signal);
  const turn = <Value>(value?: Value, options?: Abortable): Promise<Value | undefined> =>
    settled((done) => new TimerHandle(loop, 0, done, 'immediate'), value, options?.signal);
  const setTimeout = (job: Callback, ms?: number, ...args: readonly unknown[]): TimerHandle =>
    new TimerHandle(loop, ms, jobOf(job, args), 'once');
  const setInterval = (job: Callback, ms?: number, ...args: readonly unknown[]): TimerHandle =>
    new TimerHandle(loop, ms, jobOf(job, args), 'again');
  const setImmediate = (job: Callback, ...args: readonly unknown[]): TimerHandle =>
    new TimerHandle(loop, 0, jobOf(job, args), 'immediate');
  Object.defineProperty(setTimeout, PROMISIFIED, { value: sleep });
  Object.defineProperty(setImmediate, PROMISIFIED, { value: turn });
  return {
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout: clearWith('clearTimeout'),
    clearInterval: clearWith('clearInterval'),
    clearImmediate: clearWith('clearImmediate'),
    sleep,
    turn,
  };
}

/** Returns a time of day as HTTP writes it (RFC 9110 §5.6.7). */
function utcText(RealDate: object, ms: number): string {
  const date: unknown = typeof RealDate === 'function' ? Reflect.construct(RealDate, [ms]) : undefined;
  return date instanceof Object && 'toUTCString' in date && typeof date.toUTCString === 'function'
    ? String(Reflect.apply(date.toUTCString, date, []))
    : '';
}

function dateOf(RealDate: object, nowMs: () => number): unknown {
  if (typeof RealDate !== 'function') return RealDate;
  return new Proxy(RealDate, {
    construct: (target, args: unknown[], newTarget): object => {
      const made: unknown = Reflect.construct(target, args.length === 0 ? [nowMs()] : args, newTarget);
      if (typeof made !== 'object' || made === null) throw new TypeError('a Date is an object');
      return made;
    },
    apply: (target) => String(Reflect.construct(target, [nowMs()])),
    get: (target, name, receiver): unknown => (name === 'now' ? nowMs : Reflect.get(target, name, receiver)),
  });
}

/** Has modules that import names of Node's timers see the present ones. */
function syncModules(): void {
  const module: unknown = builtin('module');
  if (typeof module !== 'object' && typeof module !== 'function') return;
  const sync: unknown = module === null ? undefined : Reflect.get(module, 'syncBuiltinESMExports');
  if (typeof sync === 'function') Reflect.apply(sync, module, []);
}

type Part = readonly [holder: unknown, name: string, value: unknown];

function timerParts(loop: EventLoop): Part[] {
  const { sleep, turn, ...timers } = timersOf(loop);
  const promises = builtin('timers/promises');
  const sleepBy = (...args: readonly unknown[]): unknown =>
    typeof sleep === 'function' ? Reflect.apply(sleep, undefined, args) : undefined;
  return [
    ...Object.entries(timers).flatMap(([name, value]): Part[] => [
      [globalThis, name, value],
      [builtin('timers'), name, value],
    ]),
    [promises, 'setTimeout', sleep],
    [promises, 'setImmediate', turn],
    [
      promises,
      'setInterval',
      <Value>(ms?: number, value?: Value, options?: Abortable) =>
        every((fire) => new TimerHandle(loop, ms, fire, 'again'), value, options?.signal),
    ],
    [
      property(promises, 'scheduler'),
      'wait',
      (ms?: number, options?: unknown) => sleepBy(ms, undefined, options),
    ],
  ];
}

/** The time of day, and what Node makes of it by itself. */
function timeParts(loop: EventLoop, epochMs: number): Part[] {
  const timeout = (ms: number): AbortSignal => {
    const controller = new AbortController();
    const abort = (): void => {
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    };
    loop.at(loop.nowMs + ms, abort);
    return controller.signal;
  };
  const nowMs = (): number => epochMs + Math.floor(loop.nowMs);
  const RealDate: unknown = Reflect.get(globalThis, 'Date');
  const messages = property(property(builtin('http'), 'OutgoingMessage'), 'prototype');
  const store = property(messages, '_storeHeader');
  return [
    ...(typeof RealDate === 'function'
      ? ([[globalThis, 'Date', dateOf(RealDate, nowMs)]] satisfies Part[])
      : []),
    [Reflect.get(globalThis, 'performance'), 'now', () => loop.nowMs],
    [Reflect.get(globalThis, 'AbortSignal'), 'timeout', timeout],
    ...(typeof store === 'function' && typeof RealDate === 'function'
      ? ([[messages, '_storeHeader', datedBy(store, () => utcText(RealDate, nowMs()))]] satisfies Part[])
      : []),
  ];
}

function chanceParts(loop: EventLoop, random: SeededRandom): Part[] {
  const webCrypto: unknown = Reflect.get(globalThis, 'crypto');
  const crypto = builtin('crypto');
  const getRandomValues = property(webCrypto, 'getRandomValues');
  const drawn =
    crypto === undefined ? {} : seededCrypto(random, crypto, (job) => void loop.setImmediate(job));
  return [
    [Math, 'random', () => random.fraction()],
    [
      webCrypto,
      'getRandomValues',
      (array: Uint8Array) => {
        // The runtime's own function checks the type and the length.
        if (typeof getRandomValues === 'function') Reflect.apply(getRandomValues, webCrypto, [array]);
        return fill(random, array);
      },
    ],
    [webCrypto, 'randomUUID', () => uuid(random)],
    ...Object.entries(drawn).map(([name, value]): Part => [crypto, name, value]),
  ];
}

/** See `Network.installGlobals`. */
export function installGlobals(loop: EventLoop, random: SeededRandom, epochMs: number): Disposable {
  if (installed !== undefined) {
    throw loop.error('misuse', 'the globals of a network are installed already: dispose of them first');
  }
  const parts = [...timerParts(loop), ...timeParts(loop, epochMs), ...chanceParts(loop, random)];
  const restores = parts.map(([holder, name, value]) => replace(holder, name, value));
  syncModules();
  const globals: Disposable = {
    [Symbol.dispose]: () => {
      if (installed === globals) installed = undefined;
      for (const restore of restores.splice(0).reverse()) restore();
      syncModules();
    },
  };
  installed = globals;
  return globals;
}
