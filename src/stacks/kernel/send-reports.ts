/**
 * Reports about sending that a receiver has asked for: acknowledgements, space, drained. A connection has
 * none until the first request.
 */

/**
 * Interval of the checks for acknowledgements. Checks are needed because events are lost while the socket's
 * receive buffer is full. Without progress the interval doubles.
 */
export const ACK_CHECK_MS = 50;
export const SLOWEST_ACK_CHECK_MS = 1600;

export class SendReports {
  /** True if `onAcked` is wanted. */
  acks = false;
  /** Bytes of space for which `onSpaceFreed` is wanted; 0: none. */
  wantedBytes = 0;
  /** True if `onDrained` is wanted. */
  drained = false;
  /** True if the kernel has refused bytes since `onDrained` came last. */
  isBlocked = false;
  /** Bytes that `onAcked` has reported. */
  reportedBytes = 0;
  checkMs = ACK_CHECK_MS;

  /** True if acknowledgements have to be noticed when they come. */
  get watchesAcks(): boolean {
    return this.acks || this.wantedBytes > 0;
  }

  /** Doubles the interval of the checks, up to `SLOWEST_ACK_CHECK_MS`. */
  slowDown(): void {
    this.checkMs = Math.min(2 * this.checkMs, SLOWEST_ACK_CHECK_MS);
  }

  /** Resets the interval of the checks after progress. Returns true if it was longer. */
  speedUp(): boolean {
    const wasSlow = this.checkMs > ACK_CHECK_MS;
    this.checkMs = ACK_CHECK_MS;
    return wasSlow;
  }
}
