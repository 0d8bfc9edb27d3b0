/**
 * The thread that runs the async task, on Node: applies core and priority to the calling thread, and reads
 * the values in effect. A setting that the system refuses costs one warning with the remedy; the program
 * continues.
 */
import { getPriority } from 'node:os';
import { isMainThread, resourceLimits } from 'node:worker_threads';
import { warn } from '../support/warn.js';
import { loadAddon } from '../addon/load-addon.js';
import type { NativeAddon } from '../addon/native-addon.js';
import { niceOfPriority, USUAL_PRIORITY } from './priority.js';
import { share, shared } from './shared-node.js';
import { MIB, taskStackBytes, WORD_BYTES } from './stack-size.js';
import type { TaskSettings } from './task-settings.js';
import type { ThreadProbe } from './thread-in-effect.js';

const CORE_SYMBOL = 'CONFIG_ASYNC_TCP_RUNNING_CORE';
const PRIORITY_SYMBOL = 'CONFIG_ASYNC_TCP_TASK_PRIORITY';
const STACK_SYMBOL = 'CONFIG_ASYNC_TCP_TASK_STACK_SIZE';

/** The settings that were applied to this thread last, under a name that all copies of this library share. */
const APPLIED = 'asynctcp.applied';

/**
 * True if no copy of this library has applied these settings to this thread: a second one must not warn
 * again.
 */
function isFirst({ core, priority, stackWords }: TaskSettings): boolean {
  const wanted = [core, priority, stackWords].join();
  if (shared(APPLIED) === wanted) return false;
  share(APPLIED, wanted);
  return true;
}

/** Pins the calling thread and sets its priority. */
export function applyThreadSettings(settings: TaskSettings): void {
  if (!isFirst(settings)) return;
  const { core, priority } = settings;
  warnOfStack(settings);
  if (core < 0 && priority === USUAL_PRIORITY) return;
  const loaded = loadAddon();
  if (loaded.addon === undefined) {
    const symbols = [
      ...(core < 0 ? [] : [`${CORE_SYMBOL}=${core}`]),
      ...(priority === USUAL_PRIORITY ? [] : [`${PRIORITY_SYMBOL}=${priority}`]),
    ];
    warn(`${symbols.join(' and ')} cannot be applied: ${loaded.reason}`);
    return;
  }
  if (core >= 0) pin(loaded.addon, core);
  if (priority !== USUAL_PRIORITY) prioritise(loaded.addon, priority);
}

/** Warns of a stack size that has no effect: the stack of a thread that runs cannot change. */
function warnOfStack({ stackIsSet, stackWords }: TaskSettings): void {
  if (!stackIsSet || madeStackBytes() === taskStackBytes(stackWords)) return;
  warn(
    `${STACK_SYMBOL}=${stackWords} has no effect on a thread that runs already; ` +
      '"asynctcp run" and startTask() make one with that stack',
  );
}

/** Returns the bytes of stack that a worker thread was made with; 0 on the main thread. */
function madeStackBytes(): number {
  return isMainThread ? 0 : Math.round((resourceLimits.stackSizeMb ?? 0) * MIB);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function pin(addon: NativeAddon, core: number): void {
  try {
    addon.setAffinity([core]);
  } catch (error) {
    const usable = addon.affinity().join(', ');
    warn(
      `${CORE_SYMBOL}=${core} cannot be applied (${codeOf(error)}): this thread may run on core ${usable}; ` +
        'choose one of them, -1 for any, or let the process have more (taskset, cpuset, docker --cpuset-cpus)',
    );
  }
}

function prioritise(addon: NativeAddon, priority: number): void {
  const nice = niceOfPriority(priority);
  try {
    addon.setNice(nice);
  } catch (error) {
    warn(
      `${PRIORITY_SYMBOL}=${priority} cannot be applied (${codeOf(error)}): it is nice ${nice}, and this process may ` +
        `not go below ${addon.nice()}; give it CAP_SYS_NICE or "ulimit -e ${20 - nice}" (systemd: LimitNICE=${nice})`,
    );
  }
}

/** Returns the bytes of the calling thread's stack that the engine lets the program use. */
function engineStackBytes(addon: NativeAddon): number {
  let deepest = 0;
  const descend = (): void => {
    try {
      descend();
    } catch {
      // The first frame that has room for the call is the deepest one.
      if (deepest === 0) deepest = addon.stackDepth();
    }
  };
  descend();
  return deepest;
}

/** Returns the cores that the calling thread may run on, ascending; none if they are not known. */
export function usableCores(): readonly number[] {
  try {
    return loadAddon().addon?.affinity() ?? [];
  } catch {
    // A sandbox may forbid to ask.
    return [];
  }
}

/** Returns a probe of the calling thread. */
export function threadProbe(): ThreadProbe {
  const loaded = loadAddon();
  if (loaded.addon === undefined) return blindProbe(loaded.reason);
  const { addon } = loaded;
  // A thread may reuse the larger stack of one that ended; the engine uses the size that this thread was
  // made with.
  const bytes = isMainThread
    ? engineStackBytes(addon)
    : Math.min(addon.stack().bytes, madeStackBytes() || Number.POSITIVE_INFINITY);
  let failure: unknown;
  return {
    watchStack: () => {
      try {
        addon.watchStack(bytes);
      } catch (error) {
        // In a sandbox without `mincore` only the measurement is missing.
        failure = error;
      }
    },
    core: () => {
      const [core = -1, ...others] = addon.affinity();
      return others.length === 0 ? core : -1;
    },
    nice: () => addon.nice(),
    stackBytes: () => bytes - (bytes % WORD_BYTES),
    unusedStackBytes: () => {
      if (failure !== undefined) throw new Error('the stack cannot be measured here', { cause: failure });
      return addon.unusedStack();
    },
  };
}

/** V8's default stack limit of the main thread (`--stack-size`). */
const USUAL_MAIN_STACK_BYTES = 984 * 1024;

/** Returns a probe without the addon: Node alone knows less. */
function blindProbe(reason: string): ThreadProbe {
  return {
    watchStack: () => undefined,
    core: () => -1,
    nice: () => getPriority(0),
    stackBytes: () => madeStackBytes() || USUAL_MAIN_STACK_BYTES,
    unusedStackBytes: () => {
      throw new Error(`the stack cannot be measured: ${reason}`);
    },
  };
}
