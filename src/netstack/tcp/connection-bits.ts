/**
 * What is true or false of a connection, as bits of one number: a field for each would take V8 eight bytes,
 * and a fifth of what an idle connection needs.
 */
const Bit = {
  SCHEDULED: 1 << 0,
  READY: 1 << 1,
  SYN_TO_SEND: 1 << 2,
  FIN_QUEUED: 1 << 3,
  FIN_SENT: 1 << 4,
  NO_DELAY: 1 << 5,
  CORKED: 1 << 6,
  WAITED: 1 << 7,
  SYN_LOST: 1 << 8,
  OWN_WINDOW: 1 << 9,
  DISCARDING: 1 << 10,
  ORPHAN: 1 << 11,
  FIN_RECEIVED: 1 << 12,
  ACK_DUE: 1 << 13,
  DUPLICATE: 1 << 14,
  SACK: 1 << 15,
  SCALE: 1 << 16,
  TIMESTAMPS: 1 << 17,
} as const;

export class ConnectionBits {
  private bits = 0;

  private setBit(bit: number, on: boolean): void {
    if (on) this.bits |= bit;
    else this.bits &= ~bit;
  }

  /** It is in the queue of `flush`. */
  get isScheduled(): boolean {
    return (this.bits & Bit.SCHEDULED) !== 0;
  }

  set isScheduled(on: boolean) {
    this.setBit(Bit.SCHEDULED, on);
  }

  /** It is in the queue of those with events. */
  get isReady(): boolean {
    return (this.bits & Bit.READY) !== 0;
  }

  set isReady(on: boolean) {
    this.setBit(Bit.READY, on);
  }

  get hasSynToSend(): boolean {
    return (this.bits & Bit.SYN_TO_SEND) !== 0;
  }

  set hasSynToSend(on: boolean) {
    this.setBit(Bit.SYN_TO_SEND, on);
  }

  /** FIN follows what is in the ring. */
  get isFinQueued(): boolean {
    return (this.bits & Bit.FIN_QUEUED) !== 0;
  }

  set isFinQueued(on: boolean) {
    this.setBit(Bit.FIN_QUEUED, on);
  }

  get isFinSent(): boolean {
    return (this.bits & Bit.FIN_SENT) !== 0;
  }

  set isFinSent(on: boolean) {
    this.setBit(Bit.FIN_SENT, on);
  }

  get isNoDelay(): boolean {
    return (this.bits & Bit.NO_DELAY) !== 0;
  }

  set isNoDelay(on: boolean) {
    this.setBit(Bit.NO_DELAY, on);
  }

  get isCorked(): boolean {
    return (this.bits & Bit.CORKED) !== 0;
  }

  set isCorked(on: boolean) {
    this.setBit(Bit.CORKED, on);
  }

  /** Bytes waited since the last `DRAINED`. */
  get hasWaited(): boolean {
    return (this.bits & Bit.WAITED) !== 0;
  }

  set hasWaited(on: boolean) {
    this.setBit(Bit.WAITED, on);
  }

  get wasSynLost(): boolean {
    return (this.bits & Bit.SYN_LOST) !== 0;
  }

  set wasSynLost(on: boolean) {
    this.setBit(Bit.SYN_LOST, on);
  }

  /** The program chose the window: its scale is no larger than the window needs. */
  get hasOwnWindow(): boolean {
    return (this.bits & Bit.OWN_WINDOW) !== 0;
  }

  set hasOwnWindow(on: boolean) {
    this.setBit(Bit.OWN_WINDOW, on);
  }

  /** Data is dropped, as if it were read at once: the program has closed the connection. */
  get isDiscarding(): boolean {
    return (this.bits & Bit.DISCARDING) !== 0;
  }

  set isDiscarding(on: boolean) {
    this.setBit(Bit.DISCARDING, on);
  }

  /** The program has closed the connection: it gets no more events of data. */
  get isOrphan(): boolean {
    return (this.bits & Bit.ORPHAN) !== 0;
  }

  set isOrphan(on: boolean) {
    this.setBit(Bit.ORPHAN, on);
  }

  get isFinReceived(): boolean {
    return (this.bits & Bit.FIN_RECEIVED) !== 0;
  }

  set isFinReceived(on: boolean) {
    this.setBit(Bit.FIN_RECEIVED, on);
  }

  get isAckDue(): boolean {
    return (this.bits & Bit.ACK_DUE) !== 0;
  }

  set isAckDue(on: boolean) {
    this.setBit(Bit.ACK_DUE, on);
  }

  /** A block is to be reported first: data that came twice (RFC 2883). */
  get hasDuplicate(): boolean {
    return (this.bits & Bit.DUPLICATE) !== 0;
  }

  set hasDuplicate(on: boolean) {
    this.setBit(Bit.DUPLICATE, on);
  }

  get hasSack(): boolean {
    return (this.bits & Bit.SACK) !== 0;
  }

  set hasSack(on: boolean) {
    this.setBit(Bit.SACK, on);
  }

  /** Both sides scale their windows (RFC 7323 §2.2). */
  get hasScale(): boolean {
    return (this.bits & Bit.SCALE) !== 0;
  }

  set hasScale(on: boolean) {
    this.setBit(Bit.SCALE, on);
  }

  get hasTimestamps(): boolean {
    return (this.bits & Bit.TIMESTAMPS) !== 0;
  }

  set hasTimestamps(on: boolean) {
    this.setBit(Bit.TIMESTAMPS, on);
  }
}
