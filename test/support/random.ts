/**
 * Pseudo-random numbers that a seed repeats: the one generator of all tests (mulberry32, Tommy Ettinger's
 * generator of 32 bits of state).
 */
const GOLDEN_RATIO = 0x9e3779b1;

export class Random {
  #state: number;

  /** @param path numbers that derive an independent sequence from the seed, for example of one connection. */
  constructor(seed: number, ...path: readonly number[]) {
    this.#state = seed;
    for (const step of path) this.#state = this.#word() ^ Math.imul(step + 1, GOLDEN_RATIO);
  }

  #word(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Returns a number of at least 0 and less than 1. */
  fraction(): number {
    return this.#word() / 2 ** 32;
  }

  /** Returns a whole number of at least `least` and at most `most`. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** Returns true once in `count` calls, on average. */
  isOneIn(count: number): boolean {
    return this.whole(1, count) === 1;
  }

  /** Returns one of the choices, each as likely as the others. */
  pick<const T>(choices: readonly [T, ...T[]]): T {
    return choices[this.whole(0, choices.length - 1)] ?? choices[0];
  }

  /** Returns 1 to `most`, each order of magnitude as likely as the others. */
  size(most: number): number {
    return Math.floor(most ** this.fraction());
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.whole(0, 255));
  }
}
