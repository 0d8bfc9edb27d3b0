/**
 * Damage to the packets of a direction: loss, then duplication, then corruption. It owns the frames that it
 * is given until it passes them on.
 */
import type { Frame, FramePool } from '../netstack/frame.js';
import type { SeededRandom } from '../support/seeded-random.js';
import { ChanceOfLoss } from './chance-of-loss.js';
import type { DropReason, Impairments } from './impairments.js';
import type { Verdict } from './rules.js';

/** Takes the packets, and owns them. */
export interface DamageEnd {
  /** The packet goes on, damaged or not. */
  depart(frame: Frame): void;
  drop(frame: Frame, reason: DropReason): void;
}

export class Damage {
  readonly #frames: FramePool;
  readonly #random: SeededRandom;
  readonly #end: DamageEnd;
  readonly #loss: ChanceOfLoss;
  #duplicate = 0;
  #corrupt = 0;
  #isPossible = false;
  duplicated = 0;
  corrupted = 0;

  constructor(frames: FramePool, random: SeededRandom, end: DamageEnd) {
    this.#frames = frames;
    this.#random = random;
    this.#end = end;
    this.#loss = new ChanceOfLoss(random);
  }

  configure(options: Impairments): void {
    this.#loss.configure(options);
    this.#duplicate = options.duplicate ?? 0;
    this.#corrupt = options.corrupt ?? 0;
    const { loss = 0, burstLoss, dropList } = options;
    const isLossy = loss > 0 || burstLoss !== undefined || dropList !== undefined;
    this.#isPossible = isLossy || this.#duplicate > 0 || this.#corrupt > 0;
  }

  /** True if the packets have to pass: without a rule, others come out as they are. */
  get isPossible(): boolean {
    return this.#isPossible;
  }

  /** Takes a packet; `number` is its place in the direction, from 1 on. */
  pass(frame: Frame, number: number, verdict: Verdict): void {
    const lost = this.#loss.next(number);
    if (lost !== undefined) {
      this.#end.drop(frame, lost);
      return;
    }
    const isTwice = this.#random.isLucky(this.#duplicate) || verdict === 'duplicate';
    const copy = isTwice ? this.#copy(frame) : undefined;
    this.#spoil(frame, verdict);
    if (copy === undefined) return;
    this.duplicated += 1;
    this.#spoil(copy, 'pass');
  }

  /** Inverts one bit of a packet if chance or a rule says so, and passes it on. */
  #spoil(frame: Frame, verdict: Verdict): void {
    const isSpoilt = this.#random.isLucky(this.#corrupt) || verdict === 'corrupt';
    if (isSpoilt && frame.length > 0) {
      this.corrupted += 1;
      frame.isVerified = false;
      const at = frame.start + this.#random.below(frame.length);
      frame.bytes[at] = (frame.bytes[at] ?? 0) ^ (1 << this.#random.below(8));
    }
    this.#end.depart(frame);
  }

  #copy(frame: Frame): Frame {
    const copy = this.#frames.take(frame.length);
    copy.bytes.set(frame.bytes.subarray(frame.start, frame.end), copy.start);
    copy.end = copy.start + frame.length;
    return copy;
  }
}
