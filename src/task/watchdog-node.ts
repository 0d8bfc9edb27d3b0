/**
 * The watched thread's side of the watchdog: starts its thread, offers it the hooks, and passes its bites
 * on to the program. The watchdog is a child of the watched thread, ends with it and does not keep it
 * alive.
 *
 * A thread has one watchdog, which the first copy of this library starts and all others join.
 */
import process from 'node:process';
import { inspect } from 'node:util';
import { threadId, Worker, type MessagePort } from 'node:worker_threads';
import { packageFile } from '../addon/package-folder.js';
import { systemClock } from '../support/clock.js';
import { warn } from '../support/warn.js';
import { BEAT_SETTINGS, BEAT_WORDS, packSettings } from './beat.js';
import type { ConnectionReport } from './connection-report.js';
import { beatInto } from './dispatch.js';
import { share, shared, sharedExpression } from './shared-node.js';
import { connectSupervisor } from './starters-gift-node.js';
import type { TaskHooks, TaskSettings } from './task-settings.js';
import type { WatchdogBite } from './watchdog-bite.js';
import type { WatchOrder } from './watchdog-thread-node.js';

/** Told of each bite in the thread that was bitten, when it is free again. */
export type WatchdogHandler = (bite: WatchdogBite) => void;

/** A small young generation keeps the watchdog's thread small; a source map may need the old one. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 1 };
const EXIT_STATUS_OF_PANIC = 134;
const SHARED_NAME = 'asynctcp.watched';

/** Want of descriptors, memory or threads passes: the first retry waits so long, each further one twice. */
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 30_000;
const PASSING_CODES: readonly unknown[] = [
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'ERR_WORKER_INIT_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
];

/** What a copy of this library has for the watchdog. */
interface WatchedCopy extends TaskHooks {
  bitten(bite: WatchdogBite): void;
}

/** What the copies share: a copy knows no more of the one that made it. */
interface Watched {
  readonly beat: Int32Array;
  /**
   * Adds a copy, which is forgotten with its modules. Returns how many there were before.
   */
  join(copy: WeakRef<WatchedCopy>): number;
}

let handler: WatchdogHandler | undefined;
/** Kept for as long as this copy's modules. */
let own: WatchedCopy | undefined;

export function setWatchdogHandler(wanted: WatchdogHandler | undefined): void {
  handler = wanted;
}

export function startWatchdog(settings: TaskSettings, hooks: TaskHooks): void {
  const watched = sharedWatched() ?? new WatchedThread(packSettings(settings));
  own = { ...hooks, bitten: (bite) => handler?.(bite) };
  const copies = watched.join(new WeakRef(own));
  beatInto(watched.beat, packSettings(settings), copies);
}

function sharedWatched(): Watched | undefined {
  const value = shared(SHARED_NAME);
  return isWatched(value) ? value : undefined;
}

function isWatched(value: unknown): value is Watched {
  if (typeof value !== 'object' || value === null || !('beat' in value) || !('join' in value)) return false;
  // The array can be another realm's.
  return ArrayBuffer.isView(value.beat) && typeof value.join === 'function';
}

/** The thread as its watchdog sees it: hooks that ask all copies, and the watchdog's own thread. */
class WatchedThread implements Watched, TaskHooks {
  readonly beat = new Int32Array(new SharedArrayBuffer(BEAT_WORDS * Int32Array.BYTES_PER_ELEMENT));
  #copies: WeakRef<WatchedCopy>[] = [];
  #joined = 0;
  #failures = 0;

  constructor(firstSettings: number) {
    this.beat[BEAT_SETTINGS] = firstSettings;
    share(SHARED_NAME, this);
    this.#start();
  }

  join(copy: WeakRef<WatchedCopy>): number {
    this.#copies = this.#copies.filter((other) => other.deref() !== undefined);
    this.#copies.push(copy);
    this.#joined += 1;
    return this.#joined - 1;
  }

  // ---- hooks, called by the watchdog while the thread stands still

  running(): ConnectionReport | undefined {
    for (const copy of this.#copies) {
      const report = copy.deref()?.running();
      if (report !== undefined) return report;
    }
    return undefined;
  }

  resetAll(): void {
    for (const copy of this.#copies) copy.deref()?.resetAll();
  }

  exit(): void {
    process.exit(EXIT_STATUS_OF_PANIC);
  }

  // ---- the watchdog's thread

  #start(): void {
    const supervisor = connectSupervisor();
    const order: WatchOrder = {
      beat: this.beat,
      threadId,
      hooks: sharedExpression(SHARED_NAME),
      supervisor,
    };
    const transferList: MessagePort[] = supervisor === undefined ? [] : [supervisor];
    try {
      const worker = new Worker(packageFile('dist/task/watchdog-thread-node.js'), {
        name: 'async_tcp wdt',
        workerData: order,
        transferList,
        // The program's preloaded modules and options are its own.
        execArgv: [],
        env: {},
        resourceLimits: RESOURCE_LIMITS,
      });
      worker.on('error', (error) => {
        this.#failed(error);
      });
      worker.on('online', () => {
        this.#succeeded();
      });
      worker.on('message', (bite: WatchdogBite) => {
        for (const copy of this.#copies) copy.deref()?.bitten(bite);
      });
      worker.unref();
    } catch (error) {
      // A runtime without threads, or one that was forbidden them, or that is short of something.
      this.#failed(error);
    }
  }

  #succeeded(): void {
    if (this.#failures > 0) warn('callbacks are watched from now on');
    this.#failures = 0;
  }

  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : inspect(error);
    const code: unknown =
      typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
    if (!PASSING_CODES.includes(code)) {
      const sentence = reason.endsWith('.') ? reason : `${reason}.`;
      warn(`callbacks are not watched: ${sentence} CONFIG_ASYNC_TCP_USE_WDT=0 says that this is meant.`);
      return;
    }
    if (this.#failures === 0) warn(`callbacks are not watched for now: ${reason}; it is tried again`);
    const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    systemClock.setAlarm(systemClock.nowMs() + waitMs, () => {
      this.#start();
    });
  }
}
