/**
 * The thread that finds a scenario stuck: its handler, or `runSync`, has not returned to the event loop for
 * a while, so that no signal is heard. It stops the main thread for a moment, has it give the signals their
 * usual effect again, and prints the place.
 */
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../support/clock.js';
import { Examination, type Place } from '../task/examination-node.js';

/** The main thread's message to the thread that watches it. */
export interface WatchOrder {
  /** One word, which the main thread changes in each turn of its event loop. */
  readonly beat: Int32Array;
  /** The expression whose value is the main thread's `StuckHooks`. */
  readonly hooks: string;
  /** Folders of this package, whose calls are not shown. */
  readonly ownFolders: readonly string[];
}

/** Time without a turn of the loop after which the scenario is stuck. */
const LIMIT_MS = 2000;
const SAMPLE_MS = 200;
/** Calls of the place that are shown. */
const MOST_CALLS = 10;

const { beat, hooks, ownFolders } = workerData as WatchOrder;
let lastBeat = 0;
let aliveMs = systemClock.nowMs();
let isReported = false;

function look(): void {
  const nowMs = systemClock.nowMs();
  const now = Atomics.load(beat, 0);
  if (now !== lastBeat) {
    lastBeat = now;
    aliveMs = nowMs;
    isReported = false;
  } else if (!isReported && nowMs - aliveMs >= LIMIT_MS) {
    isReported = true;
    examine();
  }
  systemClock.setAlarm(nowMs + SAMPLE_MS, look);
}

function examine(): void {
  const examination = new Examination(0, hooks, {
    onStopped: (place) => {
      examination.call('giveUp', (run) => {
        report(String(run), place);
        examination.release();
      });
    },
    // Another debugger has stopped the scenario.
    onHeld: () => undefined,
    onGone: () => undefined,
  });
}

function report(run: string, { backtrace }: Place): void {
  const isOthers = (call: string): boolean =>
    ![...ownFolders, '(node:'].some((folder) => call.includes(folder));
  const calls = backtrace.filter(isOthers).slice(0, MOST_CALLS);
  const lines = [
    `asynctcp sim: the scenario has not returned for ${LIMIT_MS / 1000} s; Ctrl-C ends it now, without a summary`,
    `  ${run}`,
    ...calls.map((call) => `  at ${call}`),
  ];
  try {
    writeSync(2, `${lines.join('\n')}\n`);
  } catch {
    // Nothing reads standard error.
  }
}

// Alarms keep no thread alive; a port to the main thread does.
parentPort?.ref();
look();
