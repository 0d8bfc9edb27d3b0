/**
 * The machine's clock, whose alarms wake after the event loop has polled. The loop itself runs timers first:
 * after a stall, data that came in time would be reported after the timeout.
 */
import { systemClock, type Alarm, type Clock } from '../../support/clock.js';
import { clearImmediate, setImmediate } from '../../support/immediate.js';

class PolledAlarm implements Alarm {
  readonly #alarm: Alarm;
  #wake: NodeJS.Immediate | undefined;

  constructor(atMs: number, wake: () => void) {
    this.#alarm = systemClock.setAlarm(atMs, () => {
      this.#wake = setImmediate(wake);
    });
  }

  cancel(): void {
    this.#alarm.cancel();
    clearImmediate(this.#wake);
  }
}

export const polledClock: Clock = {
  nowMs: () => systemClock.nowMs(),
  setAlarm: (atMs, wake) => new PolledAlarm(atMs, wake),
};
