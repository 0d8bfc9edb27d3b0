/**
 * Watches the thread of a scenario, which hears no signal while a handler computes: if it has not returned to
 * the event loop for two seconds, signals have their usual effect again, and end the process. The other half
 * is `stuck-watch-thread.ts`.
 */
import { Worker } from 'node:worker_threads';
import { packageFile } from '../addon/package-folder.js';
import { systemClock, type Alarm } from '../support/clock.js';
import { share, sharedExpression } from '../task/shared-node.js';
import type { WatchOrder } from './stuck-watch-thread.js';

const BEAT_MS = 100;
const SHARED_NAME = 'asynctcp.sim';

export interface StuckEvents {
  /** The scenario is stuck: returns the time, and the command that repeats the run. */
  onStuck(): string;
  /** The scenario goes on. */
  onReturned(): void;
}

/** Functions that the other thread calls while the scenario stands still. */
interface StuckHooks {
  /** The connection that a callback works for, in other threads. */
  running(): undefined;
  giveUp(): string;
}

export class StuckWatch {
  readonly #beat = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #events: StuckEvents;
  readonly #worker: Worker | undefined;
  #alarm: Alarm | undefined;
  #isStuck = false;

  /** Starts the thread. In a runtime without threads or debuggers, a scenario can be stuck. */
  constructor(events: StuckEvents) {
    this.#events = events;
    const hooks: StuckHooks = {
      running: () => undefined,
      giveUp: () => {
        this.#isStuck = true;
        return events.onStuck();
      },
    };
    share(SHARED_NAME, hooks);
    this.#worker = this.#startThread();
    this.#turn();
  }

  end(): void {
    this.#alarm?.cancel();
    void this.#worker?.terminate();
  }

  #startThread(): Worker | undefined {
    try {
      const workerData: WatchOrder = {
        beat: this.#beat,
        hooks: sharedExpression(SHARED_NAME),
        ownFolders: [packageFile('dist/'), packageFile('src/')],
      };
      const worker = new Worker(packageFile('dist/cli/stuck-watch-thread.js'), {
        name: 'asynctcp sim',
        workerData,
        // The options of this process, such as preloaded modules, are the scenario's.
        execArgv: [],
        env: {},
      });
      worker.on('error', () => undefined);
      worker.unref();
      return worker;
    } catch {
      return undefined;
    }
  }

  #turn(): void {
    Atomics.add(this.#beat, 0, 1);
    if (this.#isStuck) this.#events.onReturned();
    this.#isStuck = false;
    this.#alarm = systemClock.setAlarm(systemClock.nowMs() + BEAT_MS, () => {
      this.#turn();
    });
  }
}
