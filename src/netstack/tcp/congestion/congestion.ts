/** Congestion control: how many bytes may be in flight. One object serves one connection. */
export interface Congestion {
  /** The congestion window, in bytes. */
  windowBytes: number;
  /** Slow start below it, congestion avoidance from it on. */
  thresholdBytes: number;
  /** New data is acknowledged, outside of fast recovery. `isLimited`: the window was used up. */
  acknowledged(bytes: number, isLimited: boolean, mss: number, nowMs: number, rttMs: number): void;
  /** A segment is lost: sets the threshold. The caller sets the window. */
  lost(inFlight: number, mss: number, nowMs: number): void;
  /** The retransmission timer has fired for new losses: sets the threshold, and a window of one segment. */
  timedOut(inFlight: number, mss: number, nowMs: number): void;
  /** The losses turned out to be none: the values before them hold again. */
  undo(): void;
}
