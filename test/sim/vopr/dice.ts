/** Draws of a run: every one follows from the seed and from the labels of the forks. */
import type { SeededRandom } from '#src/support/seeded-random.js';

export class Dice {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Returns dice of their own, which do not depend on what was drawn here. */
  fork(label: string): Dice {
    return new Dice(this.#random.fork(label));
  }

  fraction(): number {
    return this.#random.fraction();
  }

  isLucky(probability: number): boolean {
    return this.#random.isLucky(probability);
  }

  /** Returns a whole number of at least `least` and at most `most`. */
  whole(least: number, most: number): number {
    return least + this.#random.below(most - least + 1);
  }

  /** Returns a number between the two, each order of magnitude as likely as the others. */
  scale(least: number, most: number): number {
    return least * (most / least) ** this.#random.fraction();
  }

  /** As `scale`, a whole number. */
  size(least: number, most: number): number {
    return Math.floor(this.scale(least, most));
  }

  /** Returns one of the choices, each as likely as the others. */
  pick<const T>(choices: readonly [T, ...T[]]): T {
    return choices[this.#random.below(choices.length)] ?? choices[0];
  }

  /** Returns one of a list; `undefined` of an empty one. */
  any<T>(list: readonly T[]): T | undefined {
    return list[this.#random.below(list.length)];
  }

  /** Returns a time of the exponential distribution with this mean. */
  wait(meanMs: number): number {
    return -meanMs * Math.log(1 - this.#random.fraction());
  }
}
