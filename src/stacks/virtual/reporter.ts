/** Base of everything that has events for the program: attempts, listeners, connections, look-ups. */
export abstract class Reporter {
  /** True while it waits in the turns of its stack (`turns.ts`). Only these use the field. */
  isWaiting = false;

  /** Calls one event of the program at most. Returns true if it called one: there may be more. */
  abstract report(): boolean;
}
