/** Random numbers of a seed, so that a failure can be repeated. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns a whole number from 0 up to, and without, `below`. */
  below(below: number): number {
    // Mulberry32.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  /** Returns true once in `times`, on average. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** Returns one of a list. */
  of<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }

  /** Returns bytes, each of them as a character. */
  bytes(count: number): string {
    let text = '';
    for (let left = count; left > 0; left -= 1) text += String.fromCharCode(this.below(256));
    return text;
  }
}
