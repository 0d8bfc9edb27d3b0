/**
 * Chance that a seed repeats: sfc32 (Chris Doty-Humphrey, PractRand), seeded by the finaliser of splitmix32.
 * A stream is forked by a label: the fork depends on the seed and the labels, never on the numbers that were
 * drawn before, so that a new stream changes no other.
 */

/** Numbers that are dropped at the start, until the words of the seed have mixed. */
const WARM_UP = 12;
const GOLDEN_RATIO = 0x9e37_79b9;

/** Mixes the bits of a word (splitmix32). */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x21f0_aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
  return mixed ^ (mixed >>> 15);
}

export class SeededRandom {
  /** The text of the seed and the labels as one word. */
  readonly #key: readonly [number, number, number];
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  /** The second number of a pair that `normal` makes; NaN if there is none. */
  #spareNormal = Number.NaN;

  private constructor(key: readonly [number, number, number]) {
    this.#key = key;
    [this.#a, this.#b, this.#c] = key;
    for (let round = 0; round < WARM_UP; round += 1) this.word();
  }

  /** Returns the stream of a seed. */
  static of(seed: number | string): SeededRandom {
    return new SeededRandom(absorb([1, 2, 3], String(seed)));
  }

  /** Returns the stream of a label: the same for the same seed and label, however much was drawn. */
  fork(label: string): SeededRandom {
    return new SeededRandom(absorb(this.#key, label));
  }

  /** Returns a word of 32 bits, signed. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }

  /** Returns a number of at least 0 and less than 1. */
  fraction(): number {
    return (this.word() >>> 0) / 2 ** 32;
  }

  /** Returns a whole number of at least 0 and less than `bound`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** Returns true with the probability `probability`; draws nothing if that is 0. */
  isLucky(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  /** Returns a number of the normal distribution with mean 0 and deviation 1 (Box and Muller). */
  normal(): number {
    const spare = this.#spareNormal;
    if (!Number.isNaN(spare)) {
      this.#spareNormal = Number.NaN;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.fraction()));
    const angle = 2 * Math.PI * this.fraction();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

/** Mixes a text into the words of a key, with its length, so that `ab` and `c` differ from `a` and `bc`. */
function absorb(key: readonly [number, number, number], text: string): [number, number, number] {
  let [a, b, c] = key;
  for (let index = 0; index < text.length; index += 1) {
    a = mix(a ^ text.charCodeAt(index));
    b = mix((b + a + GOLDEN_RATIO) | 0);
    c = mix(c ^ b);
  }
  return [mix(a ^ text.length), mix(b ^ a), mix(c ^ b)];
}
