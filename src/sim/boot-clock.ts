/** The clock of one life of a host: virtual time, with alarms that end with that life. */
import { EventSource, type Timeline } from '../link/timeline.js';
import type { Alarm, Clock } from '../support/clock.js';
import { timeNs } from './time-ns.js';

const NS_PER_MS = 1_000_000;

/** A life of a host. */
interface Life {
  readonly isDead: boolean;
}

export class BootClock implements Clock {
  readonly #life: Life;
  readonly #hostId: number;
  readonly #timeline: Timeline;

  constructor(life: Life, hostId: number, timeline: Timeline) {
    this.#life = life;
    this.#hostId = hostId;
    this.#timeline = timeline;
  }

  nowMs(): number {
    return this.#timeline.nowNs / NS_PER_MS;
  }

  setAlarm(atMs: number, wake: () => void): Alarm {
    const event = new AlarmEvent(this.#hostId, this.#life, this.#timeline, wake);
    this.#timeline.schedule(event, timeNs(Math.max(0, atMs)));
    return event;
  }
}

class AlarmEvent extends EventSource implements Alarm {
  readonly #life: Life;
  readonly #timeline: Timeline;
  #wake: (() => void) | undefined;

  constructor(hostId: number, life: Life, timeline: Timeline, wake: () => void) {
    super(hostId);
    this.#life = life;
    this.#timeline = timeline;
    this.#wake = wake;
  }

  cancel(): void {
    this.#wake = undefined;
    this.#timeline.cancel(this);
  }

  override occur(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    if (!this.#life.isDead) wake?.();
  }
}
