/**
 * The watched thread's side of the watchdog: starts the watchdog's thread, offers it the hooks, and passes
 * its bites on to the program. The watchdog is a child of the watched thread, ends with it and does not
 * keep it alive.
 *
 * A thread has one watchdog: the first copy of this library starts it, all others join it. The phases and
 * the table are in `watchdog-start-phase.ts`; `WatchedThread.#enter` is the one place that changes the phase.
 */
import { inspect } from 'node:util';
import { threadId, Worker, type MessagePort } from 'node:worker_threads';
import { packageFile } from '../addon/package-folder.js';
import { systemClock } from '../support/clock.js';
import { warn } from '../support/warn.js';
import { BEAT_SETTINGS, BEAT_WORDS, packSettings } from './beat.js';
import type { ConnectionReport } from './connection-report.js';
import { beatInto } from './dispatch.js';
import { ownGate } from './exit-gate-node.js';
import { connectSupervisor } from './handover-node.js';
import { stepOn } from './phase-table.js';
import { share, shared, sharedExpression } from './shared-node.js';
import type { TaskHooks, TaskSettings } from './task-settings.js';
import { observeBite, type WatchdogBite } from './watchdog-bite.js';
import { START_PHASES, StartPhase, type StartAct, type StartEvent } from './watchdog-start-phase.js';
import type { WatchOrder } from './watchdog-thread-node.js';

/** Called for each bite in the thread that was bitten, once the callback has returned. */
export type WatchdogHandler = (bite: WatchdogBite) => void;

/** Keeps the watchdog's thread small; source maps may need the old generation. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 1 };
const EXIT_STATUS_OF_PANIC = 134;
const SHARED_NAME = 'asynctcp.watched';

/** The wait before the first retry; each further retry waits twice as long as the one before. */
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 30_000;
/** Errors that pass: descriptors, memory or threads are missing. */
const PASSING_CODES: readonly unknown[] = [
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'ERR_WORKER_INIT_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
];

/** The hooks of one copy of this library. */
interface WatchedCopy extends TaskHooks {
  bitten(bite: WatchdogBite): void;
}

/** The object that the copies of this library share; they may be of different versions. */
interface Watched {
  readonly beat: Int32Array;
  /** Adds a copy until its modules are collected. Returns the number of copies that have joined before. */
  join(copy: WeakRef<WatchedCopy>): number;
}

let handler: WatchdogHandler | undefined;
/** Lives as long as this copy's modules. */
let own: WatchedCopy | undefined;

/** Sets the handler of bites in this thread; `undefined` removes it. */
export function setWatchdogHandler(wanted: WatchdogHandler | undefined): void {
  handler = wanted;
}

/** Begins to watch this thread's callbacks. */
export function startWatchdog(settings: TaskSettings, hooks: TaskHooks): void {
  const watched = sharedWatched() ?? new WatchedThread(packSettings(settings));
  own = { ...hooks, bitten };
  const copies = watched.join(new WeakRef(own));
  beatInto(watched.beat, packSettings(settings), copies);
}

function bitten(bite: WatchdogBite): void {
  observeBite(bite);
  handler?.(bite);
}

function sharedWatched(): Watched | undefined {
  const value = shared(SHARED_NAME);
  return isWatched(value) ? value : undefined;
}

function isWatched(value: unknown): value is Watched {
  if (typeof value !== 'object' || value === null || !('beat' in value) || !('join' in value)) return false;
  // The array may come from another realm, where `instanceof` is false.
  return ArrayBuffer.isView(value.beat) && typeof value.join === 'function';
}

/** The thread as its watchdog sees it: hooks that ask all copies. Starts the watchdog's own thread. */
class WatchedThread implements Watched, TaskHooks {
  readonly beat = new Int32Array(new SharedArrayBuffer(BEAT_WORDS * Int32Array.BYTES_PER_ELEMENT));
  #copies: WeakRef<WatchedCopy>[] = [];
  #joined = 0;
  #phase: StartPhase = StartPhase.STARTING;
  /** Attempts to start the watchdog that failed in a row. */
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

  // ---- phases and acts

  #enter(event: StartEvent, reason = ''): void {
    const { to, acts } = stepOn(START_PHASES, this.#phase, event);
    this.#phase = to;
    for (const act of acts) this.#acts[act](reason);
  }

  readonly #acts: Readonly<Record<StartAct, (reason: string) => void>> = {
    start: () => this.#start(),
    startBackOff: (reason) => this.#startBackOff(reason),
    reportOnline: () => {
      if (this.#failures > 0) warn('callbacks are watched from now on');
      this.#failures = 0;
    },
    reportFault: (reason) => {
      const sentence = reason.endsWith('.') ? reason : `${reason}.`;
      warn(`callbacks are not watched: ${sentence} CONFIG_ASYNC_TCP_USE_WDT=0 says that this is meant.`);
    },
  };

  #startBackOff(reason: string): void {
    if (this.#failures === 0) warn(`callbacks are not watched for now: ${reason}; it is tried again`);
    const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    systemClock.setAlarm(systemClock.nowMs() + waitMs, () => {
      this.#enter('backOffOver');
    });
  }

  #onError(error: unknown): void {
    const code: unknown =
      typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
    const reason = error instanceof Error ? error.message : inspect(error);
    this.#enter(PASSING_CODES.includes(code) ? 'shortage' : 'fault', reason);
  }

  // ---- the watchdog's thread

  #start(): void {
    const supervisor = connectSupervisor();
    const order: WatchOrder = {
      beat: this.beat,
      threadId,
      hooks: sharedExpression(SHARED_NAME),
      supervisor,
      exitGate: ownGate(),
    };
    const transferList: MessagePort[] = supervisor === undefined ? [] : [supervisor];
    try {
      const worker = new Worker(packageFile('dist/task/watchdog-thread-node.js'), {
        name: 'async_tcp wdt',
        workerData: order,
        transferList,
        // The program's preloaded modules and options are not for the watchdog.
        execArgv: [],
        env: {},
        resourceLimits: RESOURCE_LIMITS,
      });
      worker.on('error', (error) => {
        this.#onError(error);
      });
      worker.on('online', () => {
        this.#enter('online');
      });
      worker.on('message', (bite: WatchdogBite) => {
        for (const copy of this.#copies) copy.deref()?.bitten(bite);
      });
      worker.unref();
    } catch (error) {
      // The runtime has no threads, forbids them or is short of something.
      this.#onError(error);
    }
  }
}
