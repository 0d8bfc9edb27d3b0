/** Models of loss: independent, in bursts, and by a list. */
import type { SeededRandom } from '../support/seeded-random.js';
import type { BurstLoss, DropReason, Impairments } from './impairments.js';

export class ChanceOfLoss {
  readonly #random: SeededRandom;
  #loss = 0;
  #burst: BurstLoss | undefined;
  #list: ReadonlySet<number> | undefined;
  #isBad = false;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Takes other options. The state of bursts lasts as long as there are some. */
  configure({ loss = 0, burstLoss, dropList }: Impairments): void {
    this.#loss = loss;
    this.#burst = burstLoss;
    this.#list = dropList === undefined ? undefined : new Set(dropList);
    if (burstLoss === undefined) this.#isBad = false;
  }

  /** Returns the reason for which the packet with this number is lost; `undefined` if it gets through. */
  next(packetNumber: number): DropReason | undefined {
    if (this.#list?.has(packetNumber) === true) return 'drop list';
    if (this.#random.isLucky(this.#loss)) return 'loss';
    if (this.#burst !== undefined && this.#isLostInBurst(this.#burst)) return 'burst loss';
    return undefined;
  }

  /** The state changes first, then the packet meets the loss of the new state, as in netem's `gemodel`. */
  #isLostInBurst({ p, r = 1 - p, h = 0, k = 1 }: BurstLoss): boolean {
    if (this.#random.isLucky(this.#isBad ? r : p)) this.#isBad = !this.#isBad;
    return this.#random.isLucky(this.#isBad ? 1 - h : 1 - k);
  }
}
