/** Slow start, congestion avoidance and the threshold of RFC 5681 §3, with counted bytes (RFC 3465). */
import type { Congestion } from './congestion.js';

/** Segments by which slow start grows at most for one acknowledgement (RFC 3465 §2.2). */
const MOST_SEGMENTS = 2;

export class Reno implements Congestion {
  windowBytes: number;
  thresholdBytes: number;
  /** Bytes acknowledged since the window grew last. */
  #counted = 0;
  #formerWindow = 0;
  #formerThreshold = 0;

  constructor(windowBytes: number, thresholdBytes: number) {
    this.windowBytes = windowBytes;
    this.thresholdBytes = thresholdBytes;
  }

  acknowledged(bytes: number, isLimited: boolean, mss: number): void {
    // A window that is not used says nothing about the path (RFC 7661 §4.1).
    if (!isLimited) return;
    if (this.windowBytes < this.thresholdBytes) {
      this.windowBytes += Math.min(bytes, MOST_SEGMENTS * mss);
      return;
    }
    this.#counted += bytes;
    if (this.#counted < this.windowBytes) return;
    this.#counted -= this.windowBytes;
    this.windowBytes += mss;
  }

  lost(inFlight: number, mss: number): void {
    this.#remember();
    this.thresholdBytes = Math.max(Math.floor(inFlight / (2 * mss)), 2) * mss;
  }

  timedOut(inFlight: number, mss: number): void {
    this.lost(inFlight, mss);
    this.windowBytes = mss;
  }

  undo(): void {
    this.windowBytes = Math.max(this.windowBytes, this.#formerWindow);
    this.thresholdBytes = Math.max(this.thresholdBytes, this.#formerThreshold);
  }

  #remember(): void {
    this.#formerWindow = this.windowBytes;
    this.#formerThreshold = this.thresholdBytes;
    this.#counted = 0;
  }
}
