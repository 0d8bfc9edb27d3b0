/**
 * The watchdog's own thread: looks at the beat of the watched thread, and when one callback stays too long,
 * examines it, prints what it found and tells the program, while the callback still blocks (contract W1,
 * W2).
 *
 * States: watching → (too long) → examining → (found, or not in time) → reported → (the beat moves) →
 * watching.
 */
import { writeSync } from 'node:fs';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../support/clock.js';
import { BEAT, BEAT_SETTINGS, unpackSettings, type BeatSettings } from './beat.js';
import { BlockedTime } from './blocked-time.js';
import { callbackName } from './callback-kind.js';
import { Examination, type ExaminationEvents, type Place } from './examination-node.js';
import { biteText, lateText, returnedText, type WatchdogBite } from './watchdog-bite.js';

/** What the watched thread gives its watchdog. */
export interface WatchOrder {
  /** `BEAT_WORDS` of them. */
  readonly beat: Int32Array;
  readonly threadId: number;
  /** The expression that is the thread's hooks. */
  readonly hooks: string;
  /** Whoever ends the task and starts it anew hears of bites here. */
  readonly supervisor: MessagePort | undefined;
}

/** Samples in the time that a callback may take: the report comes at most so much late. */
const SAMPLES = 20;
const LEAST_SAMPLE_MS = 10;
const MOST_SAMPLE_MS = 100;
/** A thread that has not stopped by then is told of without its place, which follows. */
const EXAMINATION_MS = 500;
/** So long a thread that is to be ended is waited for: its connections can only be reset when it stops. */
const PANIC_PATIENCE_MS = 2000;
/** How long the end of the process is left to the first signal. */
const LAST_RESORT_MS = 1000;

/**
 * A pipe that is full is tried again so often, a millisecond apart; then the terminal goes without the
 * report.
 */
const MAX_PRINT_TRIES = 50;
/** To sleep on. */
const nobodyWakes = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Not by `console`: its output goes through the watched thread, which is blocked. */
function print(text: string): void {
  for (let tries = 0; tries < MAX_PRINT_TRIES; tries += 1) {
    try {
      writeSync(2, `${text}\n`);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return;
      Atomics.wait(nobodyWakes, 0, 0, 1);
    }
  }
}

class Watchdog implements ExaminationEvents {
  readonly #order: WatchOrder;
  readonly #blocked = new BlockedTime();
  /** The callback that is or was dealt with, and what holds for it. */
  #beat = 0;
  #settings: BeatSettings;
  #foundMs = 0;
  #examination: Examination | undefined;
  /** The last examination, until the thread was left. */
  #left: Examination | undefined;
  #told = false;
  /** What is to be ended, as soon as the thread has stopped or was waited for. */
  #panic: WatchdogBite | undefined;

  constructor(order: WatchOrder) {
    this.#order = order;
    this.#settings = this.#readSettings();
  }

  #readSettings(): BeatSettings {
    return unpackSettings(Atomics.load(this.#order.beat, BEAT_SETTINGS));
  }

  get #sampleMs(): number {
    return Math.min(MOST_SAMPLE_MS, Math.max(LEAST_SAMPLE_MS, this.#settings.timeoutMs / SAMPLES));
  }

  /**
   * Sleeps between samples without this thread's event loop, whose wake-ups cost ten times as much. An
   * examination goes by events, and so the loop runs until it is over.
   */
  watch(): void {
    while (this.#beat === 0 && this.#left === undefined) {
      Atomics.wait(nobodyWakes, 0, 0, this.#sampleMs);
      this.#look();
    }
    systemClock.setAlarm(systemClock.nowMs() + this.#sampleMs, () => {
      if (this.#left?.gone === true) this.#left = undefined;
      this.#look();
      this.watch();
    });
  }

  #look(): void {
    const nowMs = systemClock.nowMs();
    const beat = Atomics.load(this.#order.beat, BEAT);
    if (this.#beat === 0) this.#settings = this.#readSettings();
    const { timeoutMs } = this.#settings;
    const blockedMs = this.#blocked.sample(beat, nowMs, 2 * this.#sampleMs);
    if (this.#beat !== 0) {
      const examinedMs = blockedMs - timeoutMs;
      if (beat !== this.#beat) this.#passed(nowMs);
      else if (!this.#told && examinedMs > EXAMINATION_MS) this.#tell(undefined);
      else if (this.#panic !== undefined && examinedMs > PANIC_PATIENCE_MS) this.#endUnstopped(this.#panic);
    } else if (blockedMs >= timeoutMs) {
      this.#examine(beat, nowMs);
    }
  }

  #examine(beat: number, nowMs: number): void {
    this.#beat = beat;
    this.#foundMs = nowMs;
    this.#told = false;
    this.#examination = new Examination(this.#order.threadId, this.#order.hooks, this);
  }

  found(place: Place): void {
    if (Atomics.load(this.#order.beat, BEAT) !== this.#beat) {
      // It returned while it was being stopped.
      this.#forget();
      return;
    }
    if (this.#told) print(lateText(callbackName(this.#beat), place));
    else this.#tell(place);
    if (this.#panic === undefined) this.#letGo();
    else this.#endStopped(this.#panic);
  }

  /** A developer looks at a breakpoint: that takes as long as it takes. */
  held(): void {
    this.#forget();
    this.#blocked.sample(0, systemClock.nowMs(), 0);
  }

  #passed(nowMs: number): void {
    const { timeoutMs } = this.#settings;
    if (this.#told) print(returnedText(callbackName(this.#beat), timeoutMs + nowMs - this.#foundMs));
    // It came back in the moment in which it was to be ended: what was announced is done.
    if (this.#panic !== undefined) this.#endUnstopped(this.#panic);
    this.#forget();
  }

  #forget(): void {
    this.#letGo();
    this.#beat = 0;
  }

  #letGo(done?: () => void): void {
    if (this.#examination === undefined) return;
    this.#left = this.#examination;
    this.#examination = undefined;
    this.#left.release(done);
  }

  #tell(place: Place | undefined): void {
    this.#told = true;
    const { threadId } = this.#order;
    const { timeoutMs, panic } = this.#settings;
    const bite: WatchdogBite = {
      handler: callbackName(this.#beat),
      blockedMs: Math.round(timeoutMs + systemClock.nowMs() - this.#foundMs),
      timeoutMs,
      threadId,
      client: place?.client,
      backtrace: place?.backtrace ?? [],
      panic,
    };
    print(biteText(bite));
    parentPort?.postMessage(bite);
    if (panic) this.#panic = bite;
    else this.#order.supervisor?.postMessage(bite);
  }

  /** Ends a task that stands still: its connections are reset first, with what listens. */
  #endStopped(bite: WatchdogBite): void {
    this.#panic = undefined;
    const { supervisor, threadId } = this.#order;
    this.#examination?.call('resetAll', () => {
      if (threadId === 0) {
        this.#endProcess();
        return;
      }
      // A thread that a debugger holds cannot end: it is let go first.
      if (supervisor === undefined) this.#examination?.call('exit');
      this.#letGo(() => supervisor?.postMessage(bite));
    });
  }

  /** Ends a task that cannot be stopped: a supervisor may still end its thread. */
  #endUnstopped(bite: WatchdogBite): void {
    this.#panic = undefined;
    const { supervisor } = this.#order;
    if (supervisor === undefined) this.#endProcess();
    else supervisor.postMessage(bite);
  }

  #endProcess(): void {
    // The signal with which systemd's watchdog ends a process, too.
    process.kill(process.pid, 'SIGABRT');
    // A program's own handler of the signal waits for the blocked thread.
    systemClock.setAlarm(systemClock.nowMs() + LAST_RESORT_MS, () => process.kill(process.pid, 'SIGKILL'));
  }
}

// The alarms of the clock keep no thread alive, the port to the watched one does.
parentPort?.ref();
new Watchdog(workerData as WatchOrder).watch();
