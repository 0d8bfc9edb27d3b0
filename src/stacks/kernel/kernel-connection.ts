/**
 * One connection on the kernel's TCP. The native addon makes the system calls; what is sent, read, waited
 * for and closed, and when, is decided here.
 *
 * Bytes go: `write` → the queue → (`output`) → the kernel → acknowledged by the peer. A `send` with nothing
 * before it leaves the queue out. `#outstanding` counts them from the first step to the last, so that
 * `sendSpace` needs no system call while somebody waits for acknowledgements.
 */
import type { NativeSockets } from '../../addon/native-sockets.js';
import { READ_BYTES } from '../../addon/native-sockets.js';
import { ErrorCode } from '../../port/error-code.js';
import { TcpState } from '../../port/tcp-state.js';
import type { Connection, ConnectionEvents, Fault, Loan } from '../../port/tcp-stack.js';
import { assert } from '../../support/assert.js';
import { holdBack, letLeave } from '../../support/callback-scope.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import type { CopySlab } from '../system/copy-slab.js';
import { CREDIT_BYTES, SHARE_BYTES, type SendBudget } from '../system/send-budget.js';
import { connectionFault } from '../system/system-fault.js';
import { JOIN_INTERVAL_MS, WithheldPieces } from '../system/withheld-pieces.js';
import { Closing, type ClosingContext, type ClosingOwner } from './closing.js';
import { LingeringSocket, type LingerContext } from './lingering-socket.js';
import { Peeking } from './peeking.js';
import { SendQueue } from './send-queue.js';
import type { Ends, StreamOwner } from './socket-loop.js';
import { isStarvation, systemError } from './system-error.js';

/**
 * How often the kernel is asked what was acknowledged, where no event told: they are lost when the socket's
 * receive buffer is full. Without progress the interval doubles.
 */
const ACK_CHECK_MS = 50;
const SLOWEST_ACK_CHECK_MS = 1600;
/** How often a connection that withholds, and may be given more, is looked at. */
const WINDOW_CHECK_MS = 100;
/** Out of memory for a moment: when it is tried again at the latest. */
const STARVED_RETRY_MS = 100;

/** What all connections of a stack share. */
export interface ConnectionContext extends LingerContext, ClosingContext {
  readonly slab: CopySlab;
  readonly budget: SendBudget;
  /** Withholding closes the window byte by byte. */
  readonly isExact: boolean;
  post(job: () => void): void;
}

/** Where an outgoing connection goes. */
export interface Destination {
  readonly address: string;
  readonly port: number;
  readonly localPort: number;
}

/** Linux's numbers (`tcp_states.h`) of the states that follow our FIN. */
const STATES_AFTER_FIN: Readonly<Record<number, TcpState>> = {
  4: TcpState.FIN_WAIT_1,
  5: TcpState.FIN_WAIT_2,
  6: TcpState.TIME_WAIT,
  9: TcpState.LAST_ACK,
  11: TcpState.CLOSING,
};

const NO_SLOT = -1;

export class KernelConnection implements Connection, StreamOwner, TimerOwner, ClosingOwner {
  // First what every message touches.

  /** Who hears the events; nobody once the connection is over or forgotten. */
  #events: ConnectionEvents | undefined;
  readonly #context: ConnectionContext;
  readonly #native: NativeSockets;
  #slot: number;
  /** Bytes that `write` took and that are not known to be acknowledged. */
  #outstanding = 0;
  /** Bytes that the peer has acknowledged. */
  #acked = 0;
  /** Bytes that may be unacknowledged, as far as is known, without a look at the kernel and the budget. */
  #shareBytes = SHARE_BYTES;
  /** What waits, if anything does. */
  #queue: SendQueue | undefined;
  #reportsAcks = false;
  #finWanted = false;
  #closing = false;
  /** Bytes that `data` delivered and `received` did not give back. */
  #unread = 0;
  /** From the first bytes on that were withheld, where the window is exact. */
  #peeking: Peeking | undefined;
  /** Bytes that the addon may receive at once. */
  #reading = READ_BYTES;
  #isDelivering = false;
  #takesLoans = false;
  #takesViews = false;
  /** From the first piece on that was withheld. */
  #pieces: WithheldPieces | undefined;
  #joinTimer: Timer | undefined;
  /** The next piece may join what has gathered. */
  #mayJoin = false;
  /** `setReading` is off. */
  #isHeld = false;
  /** What was read before the hold and could not be delivered any more. */
  #stash: Uint8Array | undefined;
  #isStashDue = false;

  readonly receiveWindowBytes: number;

  #stands = false;
  /** What was written last says that more follows. */
  #more = false;
  #finIsDue = false;
  #finSent = false;
  #awaitsFinAck = false;
  #finReceived = false;
  #keepsAlive = false;
  /** From `close` until all is acknowledged. */
  #ending: Closing | undefined;
  /** Acknowledged, and not told because nobody waited. */
  #untold = 0;
  #timer: Timer | undefined;
  #ackCheckMs = ACK_CHECK_MS;
  /** Why it is over, when the stack knows already and the event is on its way. */
  #fault: Fault | undefined;
  #destination: Destination | undefined;
  #ends: Ends | undefined;

  /** @param events `undefined` for an accepted connection, until somebody wants it. */
  constructor(
    context: ConnectionContext,
    slot: number,
    events: ConnectionEvents | undefined,
    from: Destination | Ends,
    receiveWindowBytes = context.limits.receiveWindowBytes,
  ) {
    this.receiveWindowBytes = receiveWindowBytes;
    this.#context = context;
    this.#native = context.loop.native;
    this.#slot = slot;
    this.#events = events;
    context.loop.adopt(slot, this);
    this.setKeepsAlive(true);
    if ('remoteAddress' in from) this.#stand(from);
    else this.#destination = from;
  }

  setEvents(events: ConnectionEvents): void {
    if (this.#slot !== NO_SLOT) this.#events = events;
  }

  // ---- state

  get localAddress(): string {
    return this.#ends?.localAddress ?? '0.0.0.0';
  }

  get localPort(): number {
    return this.#ends?.localPort ?? 0;
  }

  get remoteAddress(): string {
    return this.#ends?.remoteAddress ?? '0.0.0.0';
  }

  get remotePort(): number {
    return this.#ends?.remotePort ?? 0;
  }

  state(): TcpState {
    if (this.#isGone()) return TcpState.CLOSED;
    if (!this.#stands) return TcpState.SYN_SENT;
    if (!this.#finWanted) return this.#finReceived ? TcpState.CLOSE_WAIT : TcpState.ESTABLISHED;
    // Our FIN waits for data before it, or the kernel is ahead of the events.
    const waiting = this.#finReceived ? TcpState.LAST_ACK : TcpState.FIN_WAIT_1;
    if (!this.#finSent) return waiting;
    return STATES_AFTER_FIN[this.#native.state(this.#slot)] ?? waiting;
  }

  #isGone(): boolean {
    return this.#slot === NO_SLOT || this.#fault !== undefined;
  }

  mss(): number {
    return this.#stands && !this.#isGone() ? Math.max(0, this.#native.mss(this.#slot)) : 0;
  }

  #stand(ends: Ends): void {
    this.#stands = true;
    this.#ends = ends;
    this.#adjustReading();
  }

  // ---- sending

  sendSpace(): number {
    if (!this.#canSend()) return 0;
    if (!this.#reportsAcks) this.#countAcked();
    return Math.max(0, this.#capacity() - this.#outstanding);
  }

  unacknowledged(): number {
    if (this.#isGone()) return 0;
    this.#askForAcks();
    return this.#outstanding;
  }

  heardAgoMs(): number | undefined {
    if (!this.#stands || this.#isGone()) return undefined;
    const ms = this.#native.heardAgo(this.#slot);
    return ms < 0 ? undefined : ms;
  }

  fits(bytes: number): boolean {
    return bytes === this.#fitting(bytes);
  }

  #canSend(): boolean {
    return this.#stands && !this.#finWanted && !this.#isGone();
  }

  #capacity(): number {
    return this.#context.budget.capacity(this.#context.limits.sendBufferBytes, this.#acked);
  }

  /**
   * Returns as many of `bytes` as there is space for. The kernel and the budget are asked only beyond the
   * share that every connection may have.
   */
  #fitting(bytes: number): number {
    if (!this.#canSend()) return 0;
    const known = this.#outstanding + bytes;
    if (known <= this.#shareBytes && known <= this.#context.limits.sendBufferBytes) return bytes;
    if (!this.#reportsAcks) {
      this.#countAcked();
      this.#adjustCredit();
    }
    return Math.min(bytes, Math.max(0, this.#capacity() - this.#outstanding));
  }

  #changeOutstanding(bytes: number): void {
    const before = this.#outstanding;
    this.#outstanding = before + bytes;
    if (before > this.#shareBytes || this.#outstanding > this.#shareBytes) {
      this.#context.budget.changed(before, this.#outstanding, this.#shareBytes);
    }
  }

  /** A peer that had acknowledged everything at the last look is looked at less often. */
  #adjustCredit(): void {
    const { budget } = this.#context;
    if (this.#shareBytes > SHARE_BYTES) {
      if (this.#outstanding > SHARE_BYTES) this.#returnCredit();
    } else if (this.#outstanding === 0 && budget.lendCredit()) {
      this.#shareBytes = SHARE_BYTES + CREDIT_BYTES;
    }
  }

  #returnCredit(): void {
    if (this.#shareBytes === SHARE_BYTES) return;
    const outstanding = this.#outstanding;
    this.#changeOutstanding(-outstanding);
    this.#shareBytes = SHARE_BYTES;
    this.#context.budget.returnCredit();
    this.#changeOutstanding(outstanding);
  }

  write(bytes: Uint8Array, copy: boolean, more: boolean): number {
    const length = this.#fitting(bytes.length);
    if (length === 0) return 0;
    // What was gathered goes before what follows.
    letLeave();
    this.#changeOutstanding(length);
    this.#waiting().add(length === bytes.length ? bytes : bytes.subarray(0, length), copy);
    this.#more = more;
    return length;
  }

  output(): void {
    letLeave();
    if (this.#queue === undefined || this.#isGone()) return;
    if (this.#more) {
      this.#hold(this.#queue);
    } else {
      this.#queue.release();
      this.#push();
    }
  }

  send(bytes: Uint8Array, copy: boolean, more: boolean): number {
    const { loop } = this.#context;
    const isGathered = loop.gathers(bytes.length);
    if (more || this.#queue !== undefined) {
      const taken = this.write(bytes, copy, more);
      if (taken > 0) this.output();
      return taken;
    }
    const length = this.#fitting(bytes.length);
    if (length === 0) return 0;
    this.#changeOutstanding(length);
    if (isGathered) loop.enqueue(this.#slot, bytes, length);
    else this.#sendAtOnce(length === bytes.length ? bytes : bytes.subarray(0, length), copy);
    if (this.#reportsAcks) this.#awaitAcks();
    return length;
  }

  #sendAtOnce(bytes: Uint8Array, copy: boolean): void {
    // Sends of other connections that were asked for earlier leave earlier.
    letLeave();
    const isBehind = this.#queue !== undefined || this.#isGone();
    const result = isBehind ? 0 : this.#native.send(this.#slot, bytes);
    if (result === bytes.length) return;
    this.#keepRest(result > 0 ? bytes.subarray(result) : bytes, copy, Math.min(0, result));
  }

  sendFellShort(rest: Uint8Array, refusal: number): void {
    this.#keepRest(rest, true, refusal);
  }

  sendBroke(error: unknown): void {
    this.#endSoon(brokenBy(error));
  }

  #waiting(): SendQueue {
    return (this.#queue ??= new SendQueue(this.#context.slab));
  }

  #keepRest(rest: Uint8Array, copy: boolean, refusal: number): void {
    this.#waiting().keep(rest, copy);
    if (refusal < 0) this.#sendingRefused(refusal);
  }

  #sendingRefused(refusal: number): void {
    if (isStarvation(refusal)) this.#retryLater();
    else this.#failSoon(refusal);
  }

  /** MORE holds back for what follows, but not longer than the present turn of the loop. */
  #hold(queue: SendQueue): void {
    this.#more = false;
    if (!queue.hold()) return;
    holdBack(this.#context, () => {
      queue.releaseHeld();
      if (!this.#isGone()) this.#push();
    });
  }

  /** Gives the kernel what may leave, until it takes no more. */
  #push(): void {
    if (this.#queue !== undefined) {
      const refusal = this.#queue.leave(this.#native, this.#slot);
      if (this.#queue.bytes === 0) this.#queue = undefined;
      if (refusal < 0) this.#sendingRefused(refusal);
    }
    if (this.#reportsAcks && this.#outstanding > 0) this.#awaitAcks();
  }

  socketWritable(): void {
    this.#queue?.writable();
    this.#push();
    this.#finish();
  }

  // ---- acknowledgements

  setReportsAcks(on: boolean): void {
    if (this.#reportsAcks === on || this.#isGone()) return;
    this.#reportsAcks = on;
    // What the kernel cannot tell by events it is asked for: a refusal costs time, no news.
    this.#native.reportAcks(this.#slot, on ? 1 : 0);
    if (!on || this.#outstanding + this.#untold === 0) return;
    this.#awaitAcks();
    this.#context.post(() => {
      if (!this.#isGone()) this.#checkAcks();
    });
  }

  /** Asks the kernel what the peer has acknowledged, for whoever asks for the space. */
  #countAcked(): void {
    if (this.#outstanding === 0) return;
    this.#wereAcked(Math.max(0, this.#native.acked(this.#slot)));
  }

  /** As `#countAcked`, from inside a method: what is found is told when it has returned. */
  #askForAcks(): void {
    this.#countAcked();
    if (!this.#reportsAcks || this.#untold === 0) return;
    this.#context.post(() => {
      if (this.#untold > 0 && !this.#isGone()) this.#tellAcked();
    });
  }

  #wereAcked(bytes: number): void {
    if (bytes === 0) return;
    this.#changeOutstanding(-bytes);
    this.#acked += bytes;
    this.#untold += bytes;
    this.#ending?.progressed(this.#outstanding);
  }

  /** Asks the kernel, and tells. */
  #checkAcks(): void {
    this.#countAcked();
    if (this.#reportsAcks && this.#untold > 0) this.#tellAcked();
    this.#endIfDone();
  }

  socketAcked(bytes: number): void {
    this.#wereAcked(bytes);
    assert(this.#outstanding >= 0, 'no more is acknowledged than was sent');
    // It was polled while somebody waited, who may have gone since.
    if (this.#reportsAcks) this.#tellAcked();
    this.#endIfDone();
  }

  #tellAcked(): void {
    const bytes = this.#untold;
    this.#untold = 0;
    this.#hasProgress();
    this.#events?.acked(bytes);
  }

  /** What is in flight still is asked for as often as at the beginning. */
  #hasProgress(): void {
    if (this.#ackCheckMs === ACK_CHECK_MS) return;
    this.#ackCheckMs = ACK_CHECK_MS;
    if (this.#outstanding > 0) this.#armIn(this.#ackCheckMs);
  }

  #awaitAcks(): void {
    if (this.#timer?.armed !== true) this.#armIn(this.#ackCheckMs);
  }

  // ---- receiving

  socketData(place: number, bytes: number): void {
    // A send has found the end already, and what was polled before it comes too late.
    if (this.#fault !== undefined) return;
    this.#peeking?.delivered(bytes);
    if (this.#closing || this.#events === undefined) {
      this.#peeking?.consume();
      return;
    }
    const { pages } = this.#context.loop;
    if (this.#isHeld || this.#stash !== undefined) {
      // It was received in the poll in which the hold began: a socket receives once in each.
      this.#stash = this.#orTakenAway(pages.own(place, bytes));
      return;
    }
    const loan = this.#takesLoans ? pages.loan(place, bytes) : undefined;
    if (loan !== undefined) {
      this.#deliver(pages.lend(place, bytes), loan);
      return;
    }
    const piece = this.#takesViews ? pages.view(place, bytes) : pages.own(place, bytes);
    const data = this.#orTakenAway(piece);
    if (data !== undefined) this.#deliver(data);
  }

  /** A program has detached the memory of received bytes together with an older piece: they are lost. */
  #orTakenAway(bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (bytes !== undefined) return bytes;
    const cause = new Error('received bytes were transferred away with other data; transfer data.slice()');
    this.#fault ??= { code: ErrorCode.ERR_ABRT, cause };
    this.#tellFault();
    return undefined;
  }

  #deliver(bytes: Uint8Array, loan?: Loan): void {
    const before = this.#unread;
    this.#unread = before + bytes.length;
    this.#mayJoin = false;
    this.#isDelivering = true;
    this.#events?.data(bytes, loan);
    this.#isDelivering = false;
    if (this.#unread !== before) this.#countPiece(this.#unread - before);
    if (this.#unread > 0) this.#withhold();
    if (this.#reading !== READ_BYTES || this.#unread > 0) this.#adjustReading();
  }

  setReading(on: boolean): void {
    this.#isHeld = !on;
    if (on && this.#stash !== undefined) this.#deliverStashSoon();
    else this.#adjustReading();
  }

  setTakesViews(on: boolean): void {
    this.#takesViews = on;
  }

  #deliverStashSoon(): void {
    if (this.#isStashDue) return;
    this.#isStashDue = true;
    this.#context.post(() => {
      this.#isStashDue = false;
      const stash = this.#stash;
      if (stash === undefined || this.#isHeld || this.#closing || this.#isGone()) return;
      this.#stash = undefined;
      this.#deliver(stash);
      if (this.#finReceived) this.#remoteEnded();
      else this.#adjustReading();
    });
  }

  /** @param change bytes by which more, or less, is withheld since a piece was delivered. */
  #countPiece(change: number): void {
    if (change < 0) this.#pieces?.returned(-change);
    else (this.#pieces ??= new WithheldPieces(this.receiveWindowBytes)).delivered(change);
  }

  received(bytes: number): void {
    this.#unread -= bytes;
    if (!this.#isDelivering) this.#pieces?.returned(bytes);
    assert(this.#unread >= 0, 'no more is given back than was delivered');
    this.#openWindow();
    if (!this.#isDelivering) this.#adjustReading();
  }

  setTakesLoans(on: boolean): void {
    this.#takesLoans = on;
  }

  /**
   * The program withholds. From now on what it is given stays in the kernel, which closes the window for it.
   * What is more than the kernel has room for is read all the same: the program was promised so many bytes.
   */
  #withhold(): void {
    if (this.#closing || this.#isGone() || !this.#context.isExact) return;
    this.#peeking ??= Peeking.begin(this.#native, this.#slot);
    this.#openWindow();
  }

  #openWindow(): void {
    if (this.#peeking === undefined || this.#isGone()) return;
    const isToLookAgain = this.#peeking.openBut(this.#unread, this.receiveWindowBytes);
    if (isToLookAgain) this.#armIn(WINDOW_CHECK_MS);
  }

  /** What arrives waits: the program said so, or it withholds so many pieces that further ones are joined. */
  #isOnHold(): boolean {
    if (this.#isHeld || this.#stash !== undefined) return true;
    if (this.#pieces?.isFull !== true || this.#mayJoin) return false;
    this.#joinLater();
    return true;
  }

  /** A policy of ours goes by the program's clock; what the kernel is asked goes by the machine's. */
  #joinLater(): void {
    const { timers } = this.#context;
    this.#joinTimer ??= new Timer({
      due: () => {
        this.#mayJoin = true;
        this.#adjustReading();
      },
    });
    if (!this.#joinTimer.armed) timers.arm(this.#joinTimer, timers.nowMs() + JOIN_INTERVAL_MS);
  }

  #adjustReading(): void {
    if (this.#closing || this.#isGone()) return;
    const window = this.#isOnHold() ? 0 : this.receiveWindowBytes - this.#unread;
    const reading = Math.max(0, Math.min(READ_BYTES, window));
    if (reading === this.#reading) return;
    this.#reading = reading;
    const result = this.#native.setReading(this.#slot, reading);
    if (result < 0) this.#failSoon(result);
  }

  socketStarved(): void {
    this.#reading = 0;
    this.#retryLater();
  }

  // ---- the end

  shutdown(): void {
    if (this.#finWanted || this.#isGone()) return;
    letLeave();
    this.#finWanted = true;
    this.#more = false;
    this.#queue?.release();
    this.#push();
    this.#context.post(() => {
      this.#finIsDue = true;
      this.#finish();
    });
  }

  close(): void {
    if (this.#closing || this.#isGone()) return;
    this.shutdown();
    this.#closing = true;
    if (this.#isGone()) return;
    this.#stash = undefined;
    this.#peeking?.consume();
    const result = this.#native.discard(this.#slot);
    if (result < 0) {
      this.#failSoon(result);
      return;
    }
    // What was acknowledged before counts as no progress of the closing connection.
    this.#askForAcks();
    if (this.#outstanding > 0) this.#ending ??= new Closing(this.#context, this, this.#outstanding);
    if (this.#finSent) this.#context.post(() => this.#endIfDone());
  }

  /** FIN follows the last byte, and the turn in which it was asked for: until then `abort` takes it back. */
  #finish(): void {
    if (!this.#finIsDue || this.#queue !== undefined || this.#isGone()) return;
    if (!this.#finSent) {
      const result = this.#native.shutdown(this.#slot);
      if (result < 0) this.#failSoon(result);
      else this.#finSent = true;
    }
    this.#endIfDone();
  }

  /**
   * Ends the connection once both sides have, or the program has closed it, and all bytes are acknowledged.
   * The peer's FIN is waited for without the program.
   */
  #endIfDone(): void {
    if (!this.#finSent || (!this.#finReceived && !this.#closing)) return;
    // Received before the peer's FIN, it is delivered first.
    if (this.#stash !== undefined && !this.#isGone()) return;
    this.#countLastAcks();
    const events = this.#events;
    if (events === undefined || this.#isGone() || this.#outstanding > 0) return;
    this.#events = undefined;
    this.#peeking?.consume();
    // Acknowledged is not read: the peer may still have all of it before it.
    const keepsProcess = this.#keepsAlive && this.#acked > 0;
    const slot = this.#letGo();
    if (this.#finReceived) this.#native.close(slot);
    else new LingeringSocket(this.#context, slot, keepsProcess);
    events.closed(undefined);
  }

  /** The kernel tells when our FIN is acknowledged, and the clock asks for what is before it. */
  #countLastAcks(): void {
    if (this.#isGone()) return;
    this.#countAcked();
    if (this.#reportsAcks && this.#untold > 0) this.#tellAcked();
    if (this.#isGone() || this.#outstanding === 0) return;
    this.#ending ??= new Closing(this.#context, this, this.#outstanding);
    if (this.#awaitsFinAck) return;
    this.#awaitsFinAck = true;
    // Without it the clock finds out, a moment later.
    this.#native.awaitFinAck(this.#slot);
    this.#awaitAcks();
  }

  lookForAcks(): void {
    if (this.#isGone()) return;
    this.#countAcked();
    // What is found was acknowledged at some time before: a timeout that is due now is told first.
    this.#context.post(() => {
      if (!this.#isGone()) this.#checkAcks();
    });
  }

  closingFailed(fault: Fault): void {
    if (!this.#isGone()) this.#endSoon(fault);
  }

  socketEnded(): void {
    if (this.#fault !== undefined) return;
    this.#finReceived = true;
    // The end follows the last byte, which waits.
    if (this.#stash === undefined || this.#closing) this.#remoteEnded();
  }

  #remoteEnded(): void {
    if (!this.#closing) this.#events?.end();
    this.#endIfDone();
  }

  abort(): void {
    // What was gathered leaves before its slot is another socket's.
    letLeave();
    this.#events = undefined;
    if (this.#slot === NO_SLOT) return;
    const slot = this.#letGo();
    // Both free the socket, whatever they say.
    if (this.#stands) this.#native.reset(slot);
    else this.#native.close(slot);
  }

  /** The connection is over. Gives the socket, which whoever calls it closes. */
  #letGo(): number {
    const slot = this.#slot;
    this.#changeOutstanding(-this.#outstanding);
    this.#returnCredit();
    this.#ending?.end();
    this.#slot = NO_SLOT;
    this.#context.loop.release(slot);
    this.setKeepsAlive(false);
    this.#queue = undefined;
    if (this.#timer !== undefined) this.#context.loop.timers.disarm(this.#timer);
    if (this.#joinTimer !== undefined) this.#context.timers.disarm(this.#joinTimer);
    return slot;
  }

  socketConnected(ends: Ends): void {
    this.#stand(ends);
    this.#destination = undefined;
    this.#events?.connected();
  }

  socketFailed(refusal: number): void {
    this.#fault ??= this.#faultOf(refusal);
    this.#tellFault();
  }

  #faultOf(refusal: number): Fault {
    const destination = this.#destination;
    return connectionFault(systemError(refusal, destination), (destination?.localPort ?? 0) !== 0);
  }

  socketBroke(error: unknown): void {
    this.#fault ??= brokenBy(error);
    this.#tellFault();
  }

  #failSoon(refusal: number): void {
    this.#endSoon(this.#faultOf(refusal));
  }

  /** Ends the connection from inside a method: the event comes when that has returned. */
  #endSoon(fault: Fault): void {
    if (this.#fault !== undefined) return;
    this.#fault = fault;
    this.#context.post(() => {
      this.#tellFault();
    });
  }

  #tellFault(): void {
    if (this.#slot === NO_SLOT) return;
    const events = this.#events;
    // With a FIN the peer would take for the whole what it has of our stream.
    this.abort();
    events?.closed(this.#fault);
  }

  // ---- time

  #retryLater(): void {
    this.#armIn(STARVED_RETRY_MS);
  }

  #armIn(ms: number): void {
    const { timers } = this.#context.loop;
    this.#timer ??= new Timer(this);
    timers.armBy(this.#timer, timers.nowMs() + ms);
  }

  due(): void {
    this.#queue?.writable();
    this.#push();
    this.#finish();
    this.#adjustReading();
    this.#openWindow();
    const isAwaited = this.#reportsAcks || this.#ending !== undefined;
    if (!isAwaited || this.#outstanding === 0 || this.#isGone()) return;
    this.#ackCheckMs = Math.min(2 * this.#ackCheckMs, SLOWEST_ACK_CHECK_MS);
    this.#checkAcks();
    if (this.#slot !== NO_SLOT && this.#outstanding > 0) this.#awaitAcks();
  }

  // ---- options: on a connection that is over already they have nothing to set

  setNoDelay(on: boolean): void {
    if (!this.#isGone()) this.#native.noDelay(this.#slot, on ? 1 : 0);
  }

  setKeepAlive(idleMs: number, probes: number): void {
    const seconds = Math.ceil(idleMs / 1000);
    if (!this.#isGone()) this.#native.keepAlive(this.#slot, seconds, seconds, probes);
  }

  setKeepsAlive(on: boolean): void {
    const keeps = on && this.#slot !== NO_SLOT;
    if (keeps === this.#keepsAlive) return;
    this.#keepsAlive = keeps;
    this.#context.loop.keepProcess(keeps);
  }
}

function brokenBy(error: unknown): Fault {
  return { code: ErrorCode.ERR_ABRT, cause: error instanceof Error ? error : new Error(String(error)) };
}
