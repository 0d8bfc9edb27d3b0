/**
 * The rule by which a connection is called blocked: bytes wait, and for `blockedAfterMs` none of them moved.
 * A peer that is slow and takes some of them is not.
 *
 * Of a connection that is blocked in both directions the sending one is named: a program that cannot send
 * often stops reading on purpose.
 */
import type { FlowState } from '../asynctcp/observer.js';
import type { Blockage } from './snapshot.js';

/** Time without progress after which a connection is blocked, unless the options set another one. */
export const BLOCKED_AFTER_MS = 2000;
/** Retransmissions or probes in a row without an answer from which on the peer does not answer. */
export const UNANSWERED_SEGMENTS = 2;

/** Returns the bytes that were sent and that the peer has not acknowledged. */
export function waitingToLeave({ unacknowledged, added }: FlowState): number {
  return Math.max(0, unacknowledged - added);
}

/** Returns the bytes that have come and that the program has not consumed. */
export function waitingToBeRead({ withheld, undelivered = 0 }: FlowState): number {
  return withheld + undelivered;
}

/** Returns true if received data waits for the program. */
export function waitsForProgram({ isPaused, undelivered, withheld, windowBytes, mss }: FlowState): boolean {
  if (isPaused && undelivered !== undefined && undelivered > 0) return true;
  // A window that has no room for a segment is as good as closed (RFC 9293 §3.8.6.2).
  return withheld > 0 && windowBytes - withheld < Math.min(mss, windowBytes / 2);
}

/**
 * Returns the reason why bytes that were sent do not move.
 * @param hasHeard true if data has come from the peer since they stopped.
 * @param stalledMs time since they stopped.
 */
export function whySendingStalls(flow: FlowState, hasHeard: boolean, stalledMs: number): Blockage {
  const { path, heardAgoMs, mss } = flow;
  if (path?.unanswered !== undefined && path.unanswered >= UNANSWERED_SEGMENTS) return 'peer does not answer';
  if (path?.peerWindow !== undefined) {
    const isShut = path.peerWindow < Math.min(mss, waitingToLeave(flow));
    return isShut ? 'peer does not read' : 'peer does not answer';
  }
  if (hasHeard) return 'peer does not read';
  if (heardAgoMs === undefined) return 'peer takes nothing';
  return heardAgoMs < stalledMs ? 'peer does not read' : 'peer does not answer';
}
