/**
 * Reasons for which received data of one connection waits: delivered data is not consumed, and the kernel
 * keeps it and closes the window for it (`Peeking`); the pieces are many, and further ones are joined
 * (`WithheldPieces`); the program has switched reading off. A connection has this object from the first such
 * case on.
 */
import type { NativeSockets } from '../../addon/native-sockets.js';
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { JOIN_INTERVAL_MS, WithheldPieces } from '../system/withheld-pieces.js';
import { Peeking } from './peeking.js';

export interface WithholdingOwner {
  /** Receiving may be allowed again. */
  onMayReceive(): void;
}

/**
 * Pieces are delivered `each` on its own; past their bound after a `pause`, and then the next one `joined`.
 */
type Joining = 'each' | 'pause' | 'joined';

export class Withholding implements TimerOwner {
  readonly #timers: TimerWheel;
  readonly #owner: WithholdingOwner;
  readonly #windowBytes: number;
  readonly #pieces: WithheldPieces;
  #peeking: Peeking | undefined;
  #joining: Joining = 'each';
  #timer: Timer | undefined;
  /** True if reading is switched off. */
  #isOff = false;
  /** Data that was received before reading was switched off, and that could not be delivered any more. */
  #stash: Uint8Array | undefined;

  /** @param timers by the program's clock: to join pieces is a policy of ours, not the kernel's. */
  constructor(timers: TimerWheel, owner: WithholdingOwner, windowBytes: number) {
    this.#timers = timers;
    this.#owner = owner;
    this.#windowBytes = windowBytes;
    this.#pieces = new WithheldPieces(windowBytes);
  }

  /** True if nothing may be received now. */
  get isHolding(): boolean {
    if (this.#isOff || this.#stash !== undefined) return true;
    return this.#pieces.isFull && this.#joining !== 'joined';
  }

  /** Begins a pause if no further piece may be delivered on its own. */
  pauseIfFull(): void {
    if (!this.#pieces.isFull || this.#joining !== 'each') return;
    this.#joining = 'pause';
    this.#timer ??= new Timer(this);
    this.#timers.arm(this.#timer, this.#timers.nowMs() + JOIN_INTERVAL_MS);
  }

  due(): void {
    this.#joining = 'joined';
    this.#owner.onMayReceive();
  }

  /** Notes that a piece is about to be delivered. */
  delivering(): void {
    if (this.#joining === 'joined') this.#joining = 'each';
  }

  /** @param change bytes by which more, or less, is withheld than before a piece was delivered. */
  delivered(change: number): void {
    if (change < 0) this.#pieces.returned(-change);
    else if (change > 0) this.#pieces.delivered(change);
  }

  consumed(bytes: number): void {
    this.#pieces.returned(bytes);
  }

  // ---- reading that is switched off

  get isOff(): boolean {
    return this.#isOff;
  }

  setOff(isOff: boolean): void {
    this.#isOff = isOff;
  }

  get hasStash(): boolean {
    return this.#stash !== undefined;
  }

  stash(bytes: Uint8Array | undefined): void {
    this.#stash = bytes;
  }

  takeStash(): Uint8Array | undefined {
    const stash = this.#stash;
    this.#stash = undefined;
    return stash;
  }

  // ---- the kernel's window

  /**
   * Returns the bytes that have arrived and were not delivered.
   * @param waiting bytes that the kernel has.
   */
  undelivered(waiting: number): number {
    const stashed = this.#stash?.length ?? 0;
    // While peeking the kernel still has the stash, and delivered bytes.
    return this.#peeking === undefined ? waiting + stashed : waiting - this.#peeking.bytes + stashed;
  }

  /** Begins to leave delivered data in the kernel until it is consumed. */
  beginPeeking(native: NativeSockets, slot: number): void {
    this.#peeking ??= Peeking.begin(native, slot);
  }

  /** Counts bytes that the kernel delivered and, while peeking, keeps. */
  received(bytes: number): void {
    this.#peeking?.delivered(bytes);
  }

  /**
   * Consumes all but `unread` bytes, plus what is needed to honour the promised window. Returns true if the
   * window has to be looked at again later.
   */
  openWindow(unread: number): boolean {
    return this.#peeking?.openBut(unread, this.#windowBytes) === true;
  }

  /** Drops received data from now on; the kernel keeps nothing. */
  drop(): void {
    this.#stash = undefined;
    this.#peeking?.consume();
  }

  end(): void {
    if (this.#timer !== undefined) this.#timers.disarm(this.#timer);
  }
}
