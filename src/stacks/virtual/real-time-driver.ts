/**
 * Drives a host in the time of the machine, from the runtime's event loop: with a TAP or TUN device, or with
 * any other that brings frames by callbacks.
 *
 *     the device brings frames → netInterface.receive(frame) for each → driver.run()
 *     a call of the program has work for the stack → driver.wake() → run() in a macrotask
 *     a timer of the host is due → run()
 */
import { runTicks } from '../../support/callback-scope.js';
import { systemClock, type Alarm, type Clock } from '../../support/clock.js';
import { macrotask } from '../../support/macrotask.js';
import type { Driven, StackDriver } from './driver.js';

/** Steps of one run. More of them wait for the next turn of the event loop, in which I/O has its turn. */
export const MOST_STEPS_OF_A_RUN = 4096;

/** A host's TCP/IP, as the driver uses it: a `NetStack`. */
export interface DrivenHost {
  /** Sets the time, and fires the timers that are due. */
  advance(nowMs: number): void;
  /** Returns the time of the next timer; `Infinity` if none waits. */
  nextDeadlineMs(): number;
  /** True if a frame waits on the loopback. */
  readonly hasWork: boolean;
  /** Takes one frame from the loopback. */
  work(): void;
}

/** The parts of a host that a driver drives. The stack is made with the driver, so it comes later. */
export interface RealTimeParts {
  readonly host: DrivenHost;
  readonly stack: Driven;
  /** Sends the frames that gather in the device. */
  readonly flush: () => void;
}

export class RealTimeDriver implements StackDriver {
  readonly clock: Clock;
  readonly isRealTime = true;
  #parts: RealTimeParts | undefined;
  #isRunning = false;
  /** True if a macrotask will run the stack. */
  #isComing = false;
  #alarm: Alarm | undefined;
  #alarmAtMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
  }

  /** Begins to drive. */
  begin(parts: RealTimeParts): void {
    this.#parts = parts;
    this.wake();
  }

  wake(): void {
    if (this.#isRunning || this.#isComing) return;
    this.#isComing = true;
    macrotask(() => {
      this.#isComing = false;
      this.run();
    });
  }

  /**
   * Does what is due at the present time: timers, the program's handlers, and the frames of the loopback. An
   * error of a handler passes through, and a macrotask does the rest. Harmless from inside of itself.
   */
  run(): void {
    const parts = this.#parts;
    if (parts === undefined || this.#isRunning) return;
    this.#isRunning = true;
    let isDone = false;
    try {
      parts.host.advance(this.clock.nowMs());
      isDone = this.#work(parts);
    } finally {
      this.#isRunning = false;
      parts.flush();
      if (!isDone) this.wake();
    }
    this.#expect(parts.host.nextDeadlineMs());
  }

  /** Returns false if there is more to do than one run does. */
  #work({ host, stack }: RealTimeParts): boolean {
    for (let steps = 0; steps < MOST_STEPS_OF_A_RUN; steps += 1) {
      if (stack.step()) runTicks();
      else if (host.hasWork) host.work();
      else return true;
    }
    return false;
  }

  /** Sets the alarm for the host's next timer. One that is set for an earlier time finds nothing due. */
  #expect(atMs: number): void {
    if (atMs >= this.#alarmAtMs) return;
    this.#alarm?.cancel();
    this.#alarmAtMs = atMs;
    this.#alarm = this.clock.setAlarm(atMs, () => {
      this.#alarmAtMs = Number.POSITIVE_INFINITY;
      this.run();
    });
  }
}
