/** Delay with jitter: the time that a packet is under way, after it has left the queue. */
import type { SeededRandom } from '../support/seeded-random.js';
import { nsOf, type DelayDistribution, type Impairments } from './impairments.js';

/** Shape of the Pareto distribution of netem's table: a mean of 1.5, from which the deviation is counted. */
const PARETO_SHAPE = 3;
const PARETO_MEAN = 1.5;
/** Largest deviation in units of the jitter; netem's tables end there as well. */
const MOST_DEVIATION = 4;
/** Share of the normal distribution in `paretonormal`. */
const NORMAL_SHARE = 0.25;

/** Returns a deviation in units of the jitter, with a mean of 0. */
function deviation(random: SeededRandom, distribution: DelayDistribution): number {
  switch (distribution) {
    case 'uniform':
      return 2 * random.fraction() - 1;
    case 'normal':
      return random.normal();
    case 'pareto':
      return (1 - random.fraction()) ** (-1 / PARETO_SHAPE) - PARETO_MEAN;
    case 'paretonormal':
      return (
        NORMAL_SHARE * random.normal() +
        (1 - NORMAL_SHARE) * ((1 - random.fraction()) ** (-1 / PARETO_SHAPE) - PARETO_MEAN)
      );
  }
}

export class DelayLine {
  readonly #random: SeededRandom;
  #delayNs = 0;
  #jitterNs = 0;
  #distribution: DelayDistribution = 'uniform';
  /** Probability that a packet overtakes, and how many are counted for one that may. */
  #reorder = 0;
  #gap = 1;
  #counted = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Takes other options. The packets since the last one that overtook stay counted. */
  configure({ delayMs = 0, jitterMs = 0, distribution = 'uniform', reorder }: Impairments): void {
    this.#delayNs = nsOf(delayMs);
    this.#jitterNs = nsOf(jitterMs);
    this.#distribution = distribution;
    this.#reorder = (reorder?.percent ?? 0) / 100;
    this.#gap = reorder?.gap ?? 1;
    if (this.#reorder === 0) this.#counted = 0;
  }

  /** True if packets take no time and keep their order. */
  get isNone(): boolean {
    return this.#delayNs === 0 && this.#jitterNs === 0 && this.#reorder === 0;
  }

  /** Returns true if the next packet overtakes those that are under way. */
  overtakes(): boolean {
    if (this.#reorder === 0) return false;
    this.#counted += 1;
    if (this.#counted < this.#gap || !this.#random.isLucky(this.#reorder)) return false;
    this.#counted = 0;
    return true;
  }

  /** Returns the delay of the next packet in nanoseconds. */
  next(): number {
    if (this.#jitterNs === 0) return this.#delayNs;
    const units = Math.min(MOST_DEVIATION, deviation(this.#random, this.#distribution));
    return Math.max(0, Math.round(this.#delayNs + units * this.#jitterNs));
  }
}
