/** First bit of a reporter's flags; the others are its subclass's. */
const IS_WAITING = 1;

/** Base of everything that has events for the program: attempts, listeners, connections, look-ups. */
export abstract class Reporter {
  /** `IS_WAITING`, and bits of the subclass. */
  #flags = 0;

  /** Returns true for a reporter. Cheaper than `instanceof`, which walks up the prototypes. */
  static is(owner: unknown): owner is Reporter {
    return typeof owner === 'object' && owner !== null && #flags in owner;
  }

  /** True while it waits in the turns of its stack (`turns.ts`). Only these use it. */
  get isWaiting(): boolean {
    return this.is(IS_WAITING);
  }

  set isWaiting(on: boolean) {
    this.set(IS_WAITING, on);
  }

  protected is(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }

  protected set(flag: number, on: boolean): void {
    this.#flags = on ? this.#flags | flag : this.#flags & ~flag;
  }

  /** Calls one event of the program at most. Returns true if it called one: there may be more. */
  abstract report(): boolean;
}
