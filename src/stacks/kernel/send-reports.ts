/**
 * What the receiver of a connection's events wants to be told about sending: acknowledgements, space, and
 * that the kernel has taken everything. A connection has one from the first wish on.
 */

/**
 * How often the kernel is asked what was acknowledged, because events are lost while the socket's receive
 * buffer is full. Without progress the interval doubles.
 */
export const ACK_CHECK_MS = 50;
export const SLOWEST_ACK_CHECK_MS = 1600;

export class SendReports {
  /** `onAcked` is wanted. */
  acks = false;
  /** Bytes of space for which `onSpaceFreed` is wanted; 0: none. */
  wantedBytes = 0;
  /** `onDrained` is wanted. */
  drained = false;
  /** The kernel has refused bytes since `onDrained` came last. */
  isBlocked = false;
  /** Bytes of which `onAcked` told. */
  reportedBytes = 0;
  checkMs = ACK_CHECK_MS;

  /** True if acknowledgements have to be noticed when they come. */
  get watchesAcks(): boolean {
    return this.acks || this.wantedBytes > 0;
  }

  /** The next check is later than the last one. */
  slowDown(): void {
    this.checkMs = Math.min(2 * this.checkMs, SLOWEST_ACK_CHECK_MS);
  }

  /** There was progress: checks begin anew. Returns true if they had slowed down. */
  speedUp(): boolean {
    const wasSlow = this.checkMs > ACK_CHECK_MS;
    this.checkMs = ACK_CHECK_MS;
    return wasSlow;
  }
}
