/**
 * The driver of a virtual stack: the loop of a simulated network, or the runtime's event loop with a TAP
 * device.
 *
 * The driver gives packets and the time to the `NetStack`, and calls `step` until it returns false. After
 * each step it runs the ticks and microtasks that the program's callback has caused (rule 3 of the port).
 */
import type { Clock } from '../../support/clock.js';

export interface StackDriver {
  /** The time of the stack and of the layers above it. */
  readonly clock: Clock;
  /** True if the time is the machine's. */
  readonly isRealTime?: boolean;
  /**
   * Asks for steps of the stack at the present time, never from inside this call. Harmless if they are coming
   * already.
   */
  wake(): void;
}

export interface Driven {
  /**
   * Does one piece of work: one event of the program, one posted job, or the due timers of one time. Sends
   * what became due. Returns false if there was nothing to do.
   */
  step(): boolean;
}
