/**
 * CoDel (RFC 8289): drops the packet at the head of a queue when packets have waited longer than the target
 * for a whole interval, then more and more often until they no longer do.
 */
import type { Frame } from '../netstack/frame.js';
import type { FrameRing } from './frame-ring.js';
import { nsOf, type CoDelOptions } from './impairments.js';

const TARGET_MS = 5;
const INTERVAL_MS = 100;
/** The control law resumes with the last rate of drops within this number of intervals (RFC 8289 §5.5). */
const MEMORY_INTERVALS = 16;

export class CoDel {
  readonly #targetNs: number;
  readonly #intervalNs: number;
  /** Bytes below which the queue counts as short: one full packet. */
  readonly #shortBytes: number;
  #firstAboveNs = 0;
  #dropNextNs = 0;
  #count = 0;
  #lastCount = 0;
  #isDropping = false;
  /** True if the packet that was looked at last may be dropped. */
  #mayDrop = false;

  constructor({ targetMs = TARGET_MS, intervalMs = INTERVAL_MS }: CoDelOptions, mtu: number) {
    this.#targetNs = nsOf(targetMs);
    this.#intervalNs = nsOf(intervalMs);
    this.#shortBytes = mtu;
  }

  /** Returns true if the other one has the same numbers. */
  isLike(other: CoDel): boolean {
    return this.#targetNs === other.#targetNs && this.#intervalNs === other.#intervalNs;
  }

  /** Returns the next packet to send; `drop` is called with those before it that are dropped (§5.5). */
  next(queue: FrameRing, nowNs: number, drop: (frame: Frame) => void): Frame | undefined {
    let frame = this.#look(queue, nowNs);
    if (this.#isDropping) {
      if (!this.#mayDrop) this.#isDropping = false;
      while (frame !== undefined && this.#isDropping && nowNs >= this.#dropNextNs) {
        drop(frame);
        this.#count += 1;
        frame = this.#look(queue, nowNs);
        if (this.#mayDrop) this.#dropNextNs = this.#lawFrom(this.#dropNextNs);
        else this.#isDropping = false;
      }
    } else if (this.#mayDrop && frame !== undefined) {
      drop(frame);
      frame = this.#look(queue, nowNs);
      this.#startDropping(nowNs);
    }
    return frame;
  }

  #startDropping(nowNs: number): void {
    this.#isDropping = true;
    const drops = this.#count - this.#lastCount;
    const isRecent = nowNs - this.#dropNextNs < MEMORY_INTERVALS * this.#intervalNs;
    this.#count = drops > 1 && isRecent ? drops : 1;
    this.#dropNextNs = this.#lawFrom(nowNs);
    this.#lastCount = this.#count;
  }

  #lawFrom(ns: number): number {
    return ns + Math.round(this.#intervalNs / Math.sqrt(this.#count));
  }

  /** Takes the packet at the head, and notes if it may be dropped (`dodequeue`, §5.3). */
  #look(queue: FrameRing, nowNs: number): Frame | undefined {
    const sojournNs = nowNs - queue.firstNs();
    const frame = queue.shift();
    this.#mayDrop = false;
    if (frame === undefined) {
      this.#firstAboveNs = 0;
      return undefined;
    }
    if (sojournNs < this.#targetNs || queue.bytes <= this.#shortBytes) this.#firstAboveNs = 0;
    else if (this.#firstAboveNs === 0) this.#firstAboveNs = nowNs + this.#intervalNs;
    else this.#mayDrop = nowNs >= this.#firstAboveNs;
    return frame;
  }
}
