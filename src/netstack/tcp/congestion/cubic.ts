/** CUBIC (RFC 9438). The window is counted in bytes; the formulas of the RFC count segments. */
import type { Congestion } from './congestion.js';

/** The constants C and β (§5). */
const C = 0.4;
const BETA = 0.7;
/** Additive increase of the Reno-friendly region (§4.3). */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);
/** Window at most to which the cubic function leads within a round trip (§4.4). */
const MOST_GROWTH = 1.5;

export class Cubic implements Congestion {
  windowBytes: number;
  thresholdBytes: number;
  /** Start of the present congestion avoidance; −1 before it. */
  #epochMs = -1;
  /** Time of the last acknowledgement. */
  #lastMs = 0;
  /** Segments: W_max, cwnd_prior, and the window that Reno would have, W_est. */
  #most = 0;
  #prior = 0;
  #reno = 0;
  /** Seconds from the epoch until the window is at W_max again. */
  #k = 0;
  /** Fractions of a byte that the window has still to grow. */
  #remainder = 0;
  #former = { windowBytes: 0, thresholdBytes: 0, most: 0 };

  constructor(windowBytes: number, thresholdBytes: number) {
    this.windowBytes = windowBytes;
    this.thresholdBytes = thresholdBytes;
  }

  acknowledged(bytes: number, isLimited: boolean, mss: number, nowMs: number, rttMs: number): void {
    this.#leaveOut(nowMs, isLimited ? rttMs : 0);
    if (!isLimited) return;
    if (this.windowBytes < this.thresholdBytes) {
      this.windowBytes = Math.min(this.windowBytes + bytes, this.thresholdBytes);
      return;
    }
    if (this.#epochMs < 0) this.#beginEpoch(mss, nowMs);
    const window = this.windowBytes / mss;
    const t = (nowMs - this.#epochMs + rttMs) / 1000;
    const cubic = C * (t - this.#k) ** 3 + this.#most;
    const alpha = this.#reno >= this.#prior ? 1 : ALPHA;
    this.#reno += (alpha * (bytes / mss)) / window;
    const target = Math.min(Math.max(cubic, window), MOST_GROWTH * window);
    const growth = this.#reno > target ? this.#reno - window : ((target - window) / window) * (bytes / mss);
    this.#remainder += growth * mss;
    const whole = Math.floor(this.#remainder);
    this.#remainder -= whole;
    this.windowBytes += whole;
  }

  /**
   * Moves the epoch on by the time in which the window was not used (§4.2, §5.8): all since the last
   * acknowledgement but for `usedMs`. While data is in flight, one comes in each round trip.
   */
  #leaveOut(nowMs: number, usedMs: number): void {
    if (this.#epochMs >= 0) this.#epochMs += Math.max(0, nowMs - this.#lastMs - usedMs);
    this.#lastMs = nowMs;
  }

  #beginEpoch(mss: number, nowMs: number): void {
    const window = this.windowBytes / mss;
    this.#epochMs = nowMs;
    this.#reno = window;
    this.#prior = Math.max(this.#prior, window);
    if (this.#most <= window) {
      this.#most = window;
      this.#k = 0;
    } else {
      this.#k = Math.cbrt((this.#most - window) / C);
    }
  }

  lost(_inFlight: number, mss: number): void {
    const { windowBytes, thresholdBytes } = this;
    this.#former = { windowBytes, thresholdBytes, most: this.#most };
    const window = windowBytes / mss;
    // Fast convergence: a connection that lost below its former maximum makes room (§4.7).
    this.#most = window < this.#most ? (window * (1 + BETA)) / 2 : window;
    this.#prior = window;
    this.#epochMs = -1;
    this.#remainder = 0;
    this.thresholdBytes = Math.max(Math.floor(window * BETA), 2) * mss;
  }

  timedOut(inFlight: number, mss: number): void {
    this.lost(inFlight, mss);
    this.windowBytes = mss;
  }

  undo(): void {
    const { windowBytes, thresholdBytes, most } = this.#former;
    this.windowBytes = Math.max(this.windowBytes, windowBytes);
    this.thresholdBytes = Math.max(this.thresholdBytes, thresholdBytes);
    this.#most = Math.max(this.#most, most);
    this.#epochMs = -1;
  }
}
