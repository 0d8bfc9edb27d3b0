/**
 * The connections of a host in TIME_WAIT, in the order in which they end: the time is the same for all, so
 * that one timer, that of the oldest, serves them.
 */
import { Timer, type TimerOwner } from '../../support/timers.js';
import type { TcpHost } from './host.js';
import type { TimeWait } from './time-wait.js';
import { stayEndMs } from './timers.js';

/** Connections in TIME_WAIT: the oldest ends early for one more (Linux: tcp_max_tw_buckets). */
export const MOST_TIME_WAIT = 65_536;

export class TimeWaitQueue implements TimerOwner {
  readonly #host: TcpHost;
  readonly #onOver: (record: TimeWait) => void;
  readonly #timer = new Timer(this);
  /** The oldest. */
  first: TimeWait | undefined;
  #last: TimeWait | undefined;
  count = 0;

  /** @param onOver is called with each record that the queue has given up, its time over or not. */
  constructor(host: TcpHost, onOver: (record: TimeWait) => void) {
    this.#host = host;
    this.#onOver = onOver;
  }

  add(record: TimeWait): void {
    if (this.count >= MOST_TIME_WAIT) this.endOldest();
    this.#append(record);
  }

  /** The time of a record begins anew. */
  restart(record: TimeWait): void {
    this.#unlink(record);
    this.#append(record);
  }

  /** Gives up the oldest one. Returns false if there is none. */
  endOldest(): boolean {
    if (this.first === undefined) return false;
    this.end(this.first);
    return true;
  }

  end(record: TimeWait): void {
    this.#unlink(record);
    if (this.first === undefined) this.#host.timers.disarm(this.#timer);
    this.#onOver(record);
  }

  /** Called by the timer. */
  due(nowMs: number): void {
    while (this.first !== undefined && this.first.endsAtMs <= nowMs) this.end(this.first);
    if (this.first !== undefined) this.#host.timers.arm(this.#timer, this.first.endsAtMs);
  }

  #append(record: TimeWait): void {
    const { clock, profile } = this.#host;
    record.endsAtMs = stayEndMs(this.#host, clock.nowMs(), profile.timeWaitMs);
    record.previous = this.#last;
    if (this.#last === undefined) this.first = record;
    else this.#last.next = record;
    this.#last = record;
    this.count += 1;
    // A timer of one that is gone fires early, and is armed anew.
    if (!this.#timer.armed) this.#host.timers.arm(this.#timer, record.endsAtMs);
  }

  #unlink(record: TimeWait): void {
    if (record.previous === undefined) this.first = record.next;
    else record.previous.next = record.next;
    if (record.next === undefined) this.#last = record.previous;
    else record.next.previous = record.previous;
    record.next = record.previous = undefined;
    this.count -= 1;
  }
}
