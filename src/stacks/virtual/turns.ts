/**
 * The order of events, jobs and timers of a stack: rule 3 of the port. A turn begins with the events that are
 * known then; jobs and timers follow. Each call of `next` does one piece of it, so that the driver can run
 * the ticks and microtasks that the piece caused.
 */
import type { TcpApi } from '../../netstack/raw-api.js';
import { Queue } from '../../netstack/tcp/queue.js';
import type { Alarm, Clock } from '../../support/clock.js';
import { Reporter } from './reporter.js';

type Job = () => void;

export class Turns {
  readonly #tcp: TcpApi;
  readonly #wake: () => void;
  /**
   * The reporters of the present turn, `#count` of them. The places before `#next` are empty: a connection
   * that is gone would stay in memory there until another turn is as long.
   */
  readonly #reporters: (Reporter | undefined)[] = [];
  #count = 0;
  #next = 0;
  /** Reporters that have events, of which TCP does not know. */
  readonly #later = new Queue<Reporter>();
  readonly #jobs = new Queue<Job>();
  /** True until the events of the present turn are over. */
  #hasEvents = false;
  /** Jobs of the present turn that are left. */
  #jobsOfTurn = 0;
  #dueAlarm: DueAlarm | undefined;

  /** @param wake asks the driver for steps of the stack. */
  constructor(tcp: TcpApi, wake: () => void) {
    this.#tcp = tcp;
    this.#wake = wake;
  }

  /** Has a reporter asked for its events, in this turn or the next one. */
  add(reporter: Reporter): void {
    if (reporter.isWaiting) return;
    reporter.isWaiting = true;
    this.#later.push(reporter);
    this.#wake();
  }

  post(job: Job): void {
    this.#jobs.push(job);
    this.#wake();
  }

  /** Returns a clock whose alarms wait for their place in the turn. */
  clockOf(clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      setAlarm: (atMs, wake) => new DueAlarm(clock, atMs, this, wake),
    };
  }

  /** Called by an alarm that is due. One is enough: all timers of a stack stand on one alarm. */
  alarmIsDue(alarm: DueAlarm): void {
    this.#dueAlarm = alarm;
    this.#wake();
  }

  alarmIsCancelled(alarm: DueAlarm): void {
    if (this.#dueAlarm === alarm) this.#dueAlarm = undefined;
  }

  /** Does the next piece of work. Returns false if there was nothing to do. */
  next(): boolean {
    if (this.#continue()) return true;
    const isIdle = this.#later.length === 0 && this.#jobs.length === 0 && this.#dueAlarm === undefined;
    if (isIdle && !this.#tcp.hasReady) return false;
    this.#begin();
    return this.#continue();
  }

  #begin(): void {
    this.#next = this.#count = 0;
    for (let ready = this.#tcp.takeReady(); ready !== undefined; ready = this.#tcp.takeReady()) {
      const { owner } = ready;
      if (!Reporter.is(owner) || owner.isWaiting) continue;
      owner.isWaiting = true;
      this.#take(owner);
    }
    for (let later = this.#later.shift(); later !== undefined; later = this.#later.shift()) this.#take(later);
    this.#hasEvents = true;
  }

  #take(reporter: Reporter): void {
    this.#reporters[this.#count] = reporter;
    this.#count += 1;
  }

  #continue(): boolean {
    const reporters = this.#reporters;
    while (this.#next < this.#count) {
      const reporter = reporters[this.#next];
      // The reporter keeps its place also if the event throws.
      if (reporter?.report() === true) return true;
      reporters[this.#next] = undefined;
      this.#next += 1;
      if (reporter !== undefined) reporter.isWaiting = false;
    }
    if (this.#hasEvents) {
      // The jobs that the events of this turn have posted belong to it.
      this.#hasEvents = false;
      this.#jobsOfTurn = this.#jobs.length;
    }
    if (this.#jobsOfTurn > 0) {
      this.#jobsOfTurn -= 1;
      this.#jobs.shift()?.();
      return true;
    }
    const alarm = this.#dueAlarm;
    if (alarm === undefined) return false;
    this.#dueAlarm = undefined;
    alarm.ring();
    return true;
  }
}

/** An alarm of the driver's clock that waits, once it is due, until the turn has come to the timers. */
class DueAlarm implements Alarm {
  readonly #turns: Turns;
  readonly #wake: () => void;
  /** `undefined`: it was due when it was set. */
  readonly #alarm: Alarm | undefined;

  constructor(clock: Clock, atMs: number, turns: Turns, wake: () => void) {
    this.#turns = turns;
    this.#wake = wake;
    if (atMs <= clock.nowMs()) {
      turns.alarmIsDue(this);
      return;
    }
    this.#alarm = clock.setAlarm(atMs, () => {
      turns.alarmIsDue(this);
    });
  }

  ring(): void {
    this.#wake();
  }

  cancel(): void {
    this.#alarm?.cancel();
    this.#turns.alarmIsCancelled(this);
  }
}
