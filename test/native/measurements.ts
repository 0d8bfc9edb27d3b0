/** Acts of the addon's tests on a thread. Results are plain values, which a Worker can post. */
import { readFileSync } from 'node:fs';
import { isMainThread, resourceLimits } from 'node:worker_threads';
import { requireAddon } from './require-addon.js';

/** V8's own limit on the main thread; the stack is larger. */
export const MAIN_THREAD_BYTES = 984 * 1024;

/** V8 throws a RangeError this near to the end of a Worker's stack, or before. */
const SPARE_BYTES = 256 * 1024;

/** Returns the bytes of stack that the engine lets this thread use. The stack itself can be larger. */
function engineBytes(): number {
  return isMainThread ? MAIN_THREAD_BYTES : (resourceLimits.stackSizeMb ?? NaN) * 1024 * 1024;
}

/** Time after which a thread that does not come is a failure. */
const PATIENCE_MS = 20_000;

function threadFile(name: string): string {
  return readFileSync(`/proc/self/task/${requireAddon().threadId()}/${name}`, 'utf8');
}

/** `0-2,5` as the kernel writes it. */
function coresOf(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function coresByKernel(): number[] {
  return coresOf(/^Cpus_allowed_list:\s*(\S+)$/m.exec(threadFile('status'))?.[1] ?? '');
}

function niceByKernel(): number {
  // The name, in parentheses, may have blanks in it; the nice value is field 19, the seventeenth behind it.
  return Number(threadFile('stat').split(') ')[1]?.split(' ')[16]);
}

/** A value by the addon and by the kernel's files. */
export interface TwoViews<T> {
  readonly addon: T;
  readonly kernel: T;
}

const cores = (): TwoViews<number[]> => ({ addon: requireAddon().affinity(), kernel: coresByKernel() });
const nice = (): TwoViews<number> => ({ addon: requireAddon().nice(), kernel: niceByKernel() });

/** Pins the thread to its last core and back. */
export function pin(): { free: TwoViews<number[]>; pinned: TwoViews<number[]>; freed: TwoViews<number[]> } {
  const addon = requireAddon();
  const free = cores();
  addon.setAffinity(free.addon.slice(-1));
  const pinned = cores();
  addon.setAffinity(free.addon);
  return { free, pinned, freed: cores() };
}

/** Makes the thread nicer by one, which needs no right. */
export function beNicer(): { before: TwoViews<number>; after: TwoViews<number> } {
  const before = nice();
  requireAddon().setNice(Math.min(before.addon + 1, 19));
  return { before, after: nice() };
}

export function rename(name: string): string {
  const before = threadFile('comm').trimEnd();
  requireAddon().setName(name);
  const after = threadFile('comm').trimEnd();
  requireAddon().setName(before);
  return after;
}

/** Returns the exception of the call, as plain values. */
export function refusal(call: () => unknown): Record<string, unknown> {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return {
      kind: error.constructor.name,
      message: error.message,
      ...Object.fromEntries(Object.entries(error)),
    };
  }
  return {};
}

export function unwatched(): Record<string, unknown> {
  return refusal(() => requireAddon().unusedStack());
}

/** A mapping of the process, with its access rights as in `rw-p`. */
interface Mapping {
  readonly lowest: bigint;
  readonly end: bigint;
  readonly rights: string;
}

/** The stack by the addon, and the mappings of the process then. */
export function stackAndMappings(): { lowest: bigint; bytes: number; depth: number; mappings: Mapping[] } {
  const { lowest, bytes } = requireAddon().stack();
  const mappings = [...readFileSync('/proc/self/maps', 'utf8').matchAll(/^(\w+)-(\w+) (\S+)/gm)];
  return {
    lowest,
    bytes,
    depth: requireAddon().stackDepth(),
    mappings: mappings.map(([, from, to, rights = '']) => ({
      lowest: BigInt(`0x${String(from)}`),
      end: BigInt(`0x${String(to)}`),
      rights,
    })),
  };
}

/** Calls itself until the stack is so deep, and gives the depth that it came to. */
function descend(bytes: number): number {
  const depth = requireAddon().stackDepth();
  return depth >= bytes ? depth : Math.max(descend(bytes), depth);
}

export interface HighWater {
  readonly watched: number;
  /** Unused bytes when the watch had begun, after the descent, and after more calls that were less deep. */
  readonly before: number;
  readonly after: number;
  readonly later: number;
  /** Depth of the descent. */
  readonly depth: number;
}

/** Waits until all parties have come here. */
export type Meet = () => void;

function highWater(share: number, meet: Meet): HighWater {
  const addon = requireAddon();
  const watched = engineBytes();
  const bytes = Math.max(share * (watched - SPARE_BYTES), 0);
  addon.watchStack(watched);
  meet();
  const before = addon.unusedStack();
  const depth = descend(bytes);
  meet();
  const after = addon.unusedStack();
  descend(bytes / 2);
  meet();
  return { watched, before, depth, after, later: addon.unusedStack() };
}

/**
 * Descends to shares of the stack that the engine lets a program use, each several times: at the deepest
 * point the engine may compile or collect, which needs stack of its own.
 */
export function highWaters({ shares, times }: { shares: readonly number[]; times: number }): HighWater[][] {
  descend(SPARE_BYTES / 2);
  return shares.map((share) => Array.from({ length: times }, () => highWater(share, () => undefined)));
}

export interface Party {
  readonly share: number;
  /** Counts the arrivals of all parties. */
  readonly arrivals: SharedArrayBuffer;
  readonly parties: number;
}

/** One descent, in step with other threads: all watch, then all descend, then all look. */
export function highWaterTogether({ share, arrivals, parties }: Party): HighWater {
  const count = new Int32Array(arrivals);
  let round = 0;
  return highWater(share, () => {
    round += parties;
    Atomics.add(count, 0, 1);
    Atomics.notify(count, 0);
    for (let seen = Atomics.load(count, 0); seen < round; seen = Atomics.load(count, 0)) {
      if (Atomics.wait(count, 0, seen, PATIENCE_MS) === 'timed-out') throw new Error('a party is missing');
    }
  });
}

/** Acts that a Worker can be asked for by name. */
export const MEASUREMENTS = {
  pin,
  beNicer,
  rename,
  unwatched,
  stackAndMappings,
  highWaters,
  highWaterTogether,
};
