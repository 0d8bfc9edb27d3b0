/** Objects that connections need while something is under way: an idle connection has none of them. */

/** Objects of one kind that are kept for later. */
export const MOST_SPARE = 256;

export class Spare<T extends object> {
  readonly #make: () => T;
  readonly #kept: T[] = [];

  constructor(make: () => T) {
    this.#make = make;
  }

  take(): T {
    return this.#kept.pop() ?? this.#make();
  }

  /** Takes back an object, which is as a new one is. */
  give(object: T): void {
    if (this.#kept.length < MOST_SPARE) this.#kept.push(object);
  }
}
