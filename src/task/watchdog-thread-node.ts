/**
 * The watchdog's own thread: samples the beat of the watched thread. When one callback takes too long, the
 * watchdog stops the thread, prints where it is, and reports that while the callback still blocks (contract
 * W1, W2).
 *
 * `watchdog-phase.ts` has the phases and the table; `Watchdog.#enter` is the one place that changes the
 * phase.
 */
import { writeSync } from 'node:fs';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../support/clock.js';
import { BEAT, BEAT_SETTINGS, unpackSettings, type BeatSettings } from './beat.js';
import { BlockedTime } from './blocked-time.js';
import { callbackName } from './callback-kind.js';
import { Examination, type ExaminationEvents, type Place } from './examination-node.js';
import { enterGate, isClosed, leaveGate } from './exit-gate-node.js';
import { stepOn } from './phase-table.js';
import { biteText, lateText, returnedText, type WatchdogBite } from './watchdog-bite.js';
import { WATCHDOG_PHASES, WatchdogPhase, type WatchdogAct, type WatchdogEvent } from './watchdog-phase.js';

/** The watched thread's message to its watchdog. */
export interface WatchOrder {
  /** `BEAT_WORDS` words. */
  readonly beat: Int32Array;
  readonly threadId: number;
  /** The expression whose value is the thread's hooks. */
  readonly hooks: string;
  /** Port to the supervisor, which ends the task and restarts it; `undefined` for a thread without one. */
  readonly supervisor: MessagePort | undefined;
  /** The gate between examinations and the exit of the process; `undefined` for a thread that is no task. */
  readonly exitGate: Int32Array | undefined;
}

/** Samples in the time that a callback may take: a report is late by one sample at most. */
const SAMPLES = 20;
const LEAST_SAMPLE_MS = 10;
const MOST_SAMPLE_MS = 100;
/** A thread that has not stopped by then is reported without its place, which follows. */
const EXAMINATION_MS = 500;
/**
 * Longest wait of a panic for the thread to stop: the connections can only be reset in a thread that stands
 * still.
 */
const PANIC_PATIENCE_MS = 2000;
/** Time between SIGABRT and SIGKILL. */
const LAST_RESORT_MS = 1000;

/** Attempts to write into a full pipe, a millisecond apart; after them the report is not printed. */
const MAX_PRINT_TRIES = 50;
/** Memory that no thread changes: `Atomics.wait` on it sleeps. */
const SLEEP = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Prints without `console`, whose output passes through the main thread, which may be blocked. */
function print(text: string): void {
  for (let tries = 0; tries < MAX_PRINT_TRIES; tries += 1) {
    try {
      writeSync(2, `${text}\n`);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return;
      Atomics.wait(SLEEP, 0, 0, 1);
    }
  }
}

class Watchdog implements ExaminationEvents {
  readonly #order: WatchOrder;
  readonly #blocked = new BlockedTime();
  #phase: WatchdogPhase = WatchdogPhase.WATCHING;
  /** The beat of the callback that is dealt with, and the settings of its copy. */
  #beat = 0;
  #settings: BeatSettings;
  #foundMs = 0;
  /** The last examination; it may still be leaving the thread. */
  #examination: Examination | undefined;
  #place: Place | undefined;
  /** The last bite. */
  #bite: WatchdogBite | undefined;

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
   * examination and the end of a task need events, so the loop runs meanwhile.
   */
  watch(): void {
    while (this.#phase === WatchdogPhase.WATCHING && this.#examination?.isGone !== false) {
      Atomics.wait(SLEEP, 0, 0, this.#sampleMs);
      this.#look();
    }
    systemClock.setAlarm(systemClock.nowMs() + this.#sampleMs, () => {
      this.#look();
      this.watch();
    });
  }

  #look(): void {
    const beat = Atomics.load(this.#order.beat, BEAT);
    const { exitGate } = this.#order;
    if (exitGate !== undefined && isClosed(exitGate)) this.#enter('processExits');
    const isWatching = this.#phase === WatchdogPhase.WATCHING;
    if (isWatching) this.#settings = this.#readSettings();
    const { timeoutMs, panic } = this.#settings;
    const blockedMs = this.#blocked.sample(beat, systemClock.nowMs(), 2 * this.#sampleMs);
    if (isWatching) {
      if (blockedMs < timeoutMs) return;
      this.#beat = beat;
      this.#enter(panic ? 'lateFatal' : 'late');
    } else if (beat !== this.#beat) {
      this.#enter('moved');
    } else {
      if (blockedMs - timeoutMs > PANIC_PATIENCE_MS) this.#enter('stuck');
      if (blockedMs - timeoutMs > EXAMINATION_MS) this.#enter('slow');
    }
  }

  // ---- what the examination reports

  onStopped(place: Place): void {
    this.#place = place;
    // A callback may return just before its thread stops.
    const isSame = Atomics.load(this.#order.beat, BEAT) === this.#beat;
    this.#enter(isSame ? 'stopped' : 'moved');
  }

  /** A developer looks at a breakpoint, for any length of time. */
  onHeld(): void {
    this.#enter('held');
  }

  onGone(): void {
    const { exitGate } = this.#order;
    if (exitGate !== undefined) leaveGate(exitGate);
  }

  // ---- phases and acts

  #enter(event: WatchdogEvent): void {
    const { to, acts } = stepOn(WATCHDOG_PHASES, this.#phase, event);
    this.#phase = to;
    for (const act of acts) this.#acts[act]();
  }

  readonly #acts: Readonly<Record<WatchdogAct, () => void>> = {
    examine: () => this.#examine(),
    report: () => this.#report(),
    reportPlace: () => {
      if (this.#place !== undefined) print(lateText(callbackName(this.#beat), this.#place));
    },
    reportReturn: () => print(returnedText(callbackName(this.#beat), this.#elapsedMs())),
    release: () => this.#examination?.release(),
    measureAnew: () => void this.#blocked.sample(0, systemClock.nowMs(), 0),
    resetConnections: () => this.#examination?.call('resetAll', () => this.#enter('reset')),
    endStopped: () => this.#endStopped(),
    endUnstopped: () => this.#endUnstopped(),
  };

  #examine(): void {
    const { exitGate } = this.#order;
    if (exitGate !== undefined && !enterGate(exitGate)) {
      this.#enter('processExits');
      return;
    }
    this.#foundMs = systemClock.nowMs();
    this.#place = undefined;
    this.#examination = new Examination(this.#order.threadId, this.#order.hooks, this);
  }

  /** Milliseconds since the callback began. */
  #elapsedMs(): number {
    return this.#settings.timeoutMs + systemClock.nowMs() - this.#foundMs;
  }

  #report(): void {
    const { threadId, supervisor } = this.#order;
    const { timeoutMs, panic } = this.#settings;
    const bite: WatchdogBite = {
      handler: callbackName(this.#beat),
      blockedMs: Math.round(this.#elapsedMs()),
      timeoutMs,
      threadId,
      client: this.#place?.client,
      backtrace: this.#place?.backtrace ?? [],
      panic,
    };
    this.#bite = bite;
    print(biteText(bite));
    parentPort?.postMessage(bite);
    // The supervisor ends the task at a bite that panics, and that comes when the task is ready for it.
    if (!panic) supervisor?.postMessage(bite);
  }

  #endStopped(): void {
    const { supervisor, threadId } = this.#order;
    if (threadId === 0) {
      this.#endProcess();
      return;
    }
    if (supervisor === undefined) this.#examination?.call('exit');
    // A thread that a debugger holds cannot end, so the debugger leaves it first.
    this.#examination?.release(() => supervisor?.postMessage(this.#bite));
  }

  /** Ends a task whose thread cannot be stopped: a supervisor may still end the thread. */
  #endUnstopped(): void {
    const { supervisor } = this.#order;
    if (supervisor === undefined) this.#endProcess();
    else supervisor.postMessage(this.#bite);
  }

  #endProcess(): void {
    // SIGABRT is also how systemd's watchdog ends a process.
    process.kill(process.pid, 'SIGABRT');
    // A handler that the program has for SIGABRT waits for the blocked thread.
    systemClock.setAlarm(systemClock.nowMs() + LAST_RESORT_MS, () => process.kill(process.pid, 'SIGKILL'));
  }
}

// Alarms of the clock keep no thread alive; a port to the watched thread does.
parentPort?.ref();
new Watchdog(workerData as WatchOrder).watch();
