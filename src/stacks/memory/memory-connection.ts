/**
 * One end of a connection. What it does to the other end happens at once (`wire.ts`); what its own program is
 * to be told waits for the turn (`Telling`).
 *
 * Its life has two halves, each with phases of its own:
 *
 *     sending     open → finAsked → finSent → finArrived
 *     receiving   open → finArrived → ended, and once the program has closed it: dropping → ended
 *
 * When both are at their last phase, the end is gone. One whose close was reported before that lingers.
 */
import { ErrorCode } from '../../port/error-code.js';
import { SendFlag } from '../../port/tcp-stack.js';
import type { Connection, ConnectionEvents, Endpoint, Fault, SendFlags } from '../../port/tcp-stack.js';
import { TcpState } from '../../port/tcp-state.js';
import { Timer } from '../../support/timers.js';
import { Inbox } from './inbox.js';
import { KeepAlive } from './keep-alive.js';
import type { Machine } from './machine.js';
import { Outbox } from './outbox.js';
import { Telling } from './telling.js';
import type { End } from './wire.js';

/** Data in a segment on Ethernet, which this stack has none of. */
const MSS_BYTES = 1460;
/** After its close, an end waits so long for the peer's FIN without hearing of it: lwIP's FIN_WAIT_2. */
const FIN_WAIT_MS = 20_000;
/** A peer that goes on sending is waited for so long at most. */
const LONGEST_LINGER_MS = 300_000;

const STATES = {
  open: [TcpState.ESTABLISHED, TcpState.CLOSE_WAIT],
  finAsked: [TcpState.FIN_WAIT_1, TcpState.LAST_ACK],
  finSent: [TcpState.FIN_WAIT_1, TcpState.LAST_ACK],
  finArrived: [TcpState.FIN_WAIT_2, TcpState.TIME_WAIT],
} as const;

type Event = () => void;

export class MemoryConnection implements Connection, End {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly receiveWindowBytes: number;
  readonly #machine: Machine;
  readonly #release: () => void;
  readonly #outbox = new Outbox();
  readonly #inbox: Inbox;
  readonly #timer = new Timer(this);
  readonly #keepAlive: KeepAlive;
  readonly #telling: Telling;
  #other: End | undefined;
  #events: ConnectionEvents | undefined;
  #fault: Fault | undefined;
  #sending: keyof typeof STATES = 'open';
  #receiving: 'open' | 'finArrived' | 'dropping' | 'ended' = 'open';
  #isGone = false;
  #isReading = true;
  #reportsAcks = false;
  #reportsDrained = false;
  /** Acknowledged bytes that were not reported. */
  #untold = 0;
  #wantedSpace = 0;
  #heardAtMs: number;
  #lingersUntilMs = Number.POSITIVE_INFINITY;

  /** @param release gives its local port back. */
  constructor(
    machine: Machine,
    { local, remote }: { readonly local: Endpoint; readonly remote: Endpoint },
    receiveWindowBytes = machine.limits.receiveWindowBytes,
    release: () => void = () => undefined,
  ) {
    this.local = local;
    this.remote = remote;
    this.receiveWindowBytes = receiveWindowBytes;
    this.#machine = machine;
    this.#release = release;
    this.#inbox = new Inbox(receiveWindowBytes);
    this.#heardAtMs = machine.network.clock.nowMs();
    this.#keepAlive = new KeepAlive(machine.timers, this);
    machine.connections.add(this);
    machine.network.lines.add(this);
    this.#telling = new Telling(machine.network.turns, [
      () => this.#faultToTell(),
      () => this.#ackToTell(),
      () => this.#spaceToTell(),
      () => this.#drainedToTell(),
      () => this.#dataToTell(),
      () => this.#endToTell(),
      () => this.#closeToTell(),
    ]);
  }

  join(other: End): void {
    this.#other = other;
  }

  /** The program knows the connection: from now on there are events. */
  begin(events: ConnectionEvents): void {
    if (this.#isGone) return;
    this.#events = events;
    this.#telling.look();
  }

  // ---- what the other end does

  isOver(): boolean {
    return this.#isGone || this.#fault !== undefined;
  }

  room(): number {
    return this.#isReceivingDone() ? Number.POSITIVE_INFINITY : this.#inbox.room;
  }

  arrive(bytes: Uint8Array): void {
    this.#hear();
    if (this.#isReceivingDone()) this.#awaitEnd();
    else this.#inbox.arrive(bytes);
    this.#telling.look();
  }

  arriveFin(): void {
    this.#hear();
    this.#receiving = this.#isReceivingDone() ? 'ended' : 'finArrived';
    this.#telling.look();
  }

  reset(fault: Fault): void {
    if (this.isOver()) return;
    this.#fault = fault;
    this.#clear();
    // Nobody waits for the end of one that lingers.
    if (this.#machine.lingering.has(this)) this.#leave();
    else this.#telling.look();
  }

  carry(): void {
    const other = this.#other;
    if (other === undefined || this.isOver()) return;
    const isCut = this.#machine.network.isCut(this);
    if (!isCut && this.#outbox.waiting > 0) this.#carryBytes(other);
    if (this.#sending === 'finAsked' && this.#outbox.waiting === 0) this.#sending = 'finSent';
    if (!isCut && this.#sending === 'finSent' && !this.#isRefusedBy(other)) {
      this.#sending = 'finArrived';
      other.arriveFin();
    }
    this.#telling.look();
  }

  #carryBytes(other: End): void {
    if (this.#isRefusedBy(other)) return;
    const bytes = this.#outbox.carry(other.room());
    if (bytes === undefined) this.#fail({ code: ErrorCode.ERR_IF, cause: new Error('write EFAULT') });
    else if (bytes.length > 0) other.arrive(bytes);
  }

  /** The other end knows nothing of the connection any more, and answers with a reset. */
  #isRefusedBy(other: End): boolean {
    if (other.isOver()) this.reset(resetFault());
    return this.isOver();
  }

  #hear(): void {
    this.#heardAtMs = this.#machine.network.clock.nowMs();
  }

  // ---- what the program is told

  #faultToTell(): Event | undefined {
    const [events, fault] = [this.#events, this.#fault];
    if (events === undefined || fault === undefined) return undefined;
    this.#leave();
    return () => events.onClosed(fault);
  }

  #ackToTell(): Event | undefined {
    const before = this.#outbox.unacknowledged;
    const acked = this.#outbox.takeAcked();
    if (acked > 0) {
      this.#untold += acked;
      this.#machine.changed(before, before - acked);
      this.#hear();
      this.#awaitEnd();
      this.#telling.look();
    }
    const bytes = this.#untold;
    if (!this.#reportsAcks || bytes === 0) return undefined;
    this.#untold = 0;
    return () => this.#events?.onAcked(bytes);
  }

  #spaceToTell(): Event | undefined {
    if (this.#wantedSpace === 0 || this.#sending !== 'open' || this.isOver()) return undefined;
    // More than the buffer ever has is there as far as it can be once nothing is in flight.
    const isThere = this.hasSpaceFor(this.#wantedSpace) || this.#outbox.unacknowledged === 0;
    if (!isThere) return undefined;
    this.#wantedSpace = 0;
    return () => this.#events?.onSpaceFreed?.();
  }

  #drainedToTell(): Event | undefined {
    if (!this.#outbox.takeDrained() || !this.#reportsDrained) return undefined;
    return () => this.#events?.onDrained?.();
  }

  #dataToTell(): Event | undefined {
    if (this.#events === undefined || !this.#isReading || this.#inbox.waiting === 0) return undefined;
    const nowMs = this.#machine.network.clock.nowMs();
    const atMs = this.#inbox.nextPieceMs();
    if (nowMs >= atMs) return () => this.#events?.onData(this.#inbox.deliver(nowMs));
    this.#machine.timers.arm(this.#timer, atMs);
    return undefined;
  }

  #endToTell(): Event | undefined {
    const isDue = this.#receiving === 'finArrived' && this.#inbox.waiting === 0;
    if (!isDue || this.#events === undefined || this.isOver()) return undefined;
    this.#receiving = 'ended';
    this.#awaitEnd();
    return () => this.#events?.onEnd();
  }

  #closeToTell(): Event | undefined {
    const events = this.#events;
    const isSent = this.#sending === 'finSent' || this.#sending === 'finArrived';
    if (!isSent || !this.#isReceivingDone() || this.#outbox.unacknowledged > 0 || this.isOver())
      return undefined;
    if (this.#sending === 'finArrived' && this.#receiving === 'ended') this.#leave();
    else if (events !== undefined) this.#linger();
    return events === undefined ? undefined : () => events.onClosed(undefined);
  }

  // ---- what it is

  state(): TcpState {
    if (this.isOver()) return TcpState.CLOSED;
    const hasPeerEnded = this.#receiving === 'finArrived' || this.#receiving === 'ended';
    return STATES[this.#sending][hasPeerEnded ? 1 : 0];
  }

  mss(): number {
    return MSS_BYTES;
  }

  unacknowledged(): number {
    return this.#outbox.unacknowledged;
  }

  queued(): number {
    return this.#outbox.waiting;
  }

  heardAgoMs(): number {
    return this.#machine.network.clock.nowMs() - this.#heardAtMs;
  }

  heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** Bytes that have arrived and were not consumed. */
  unconsumed(): number {
    return this.#inbox.unconsumed;
  }

  // ---- sending

  sendSpace(): number {
    if (this.#sending !== 'open' || this.isOver()) return 0;
    const { unacknowledged } = this.#outbox;
    return Math.max(0, this.#machine.capacity(unacknowledged) - unacknowledged);
  }

  hasSpaceFor(bytes: number): boolean {
    return this.sendSpace() >= bytes;
  }

  /** MORE needs nothing: bytes that leave in one turn arrive as one piece. */
  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    const taken = Math.min(bytes.length, this.sendSpace());
    if (taken === 0) return 0;
    const before = this.#outbox.unacknowledged;
    this.#outbox.enqueue(bytes.subarray(0, taken), (flags & SendFlag.COPY) !== 0);
    this.#machine.changed(before, before + taken);
    return taken;
  }

  flush(): void {
    this.#outbox.flush();
    this.carry();
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    const taken = this.enqueue(bytes, flags);
    if (taken > 0) this.flush();
    return taken;
  }

  setReportsAcks(on: boolean): void {
    this.#reportsAcks = on;
    this.#telling.look();
  }

  setReportsDrained(on: boolean): void {
    this.#reportsDrained = on;
  }

  setWantsSpace(bytes: number): void {
    this.#wantedSpace = bytes;
    this.#telling.look();
  }

  // ---- receiving

  consume(bytes: number): void {
    if (this.isOver() || this.#isReceivingDone()) return;
    this.#inbox.consume(bytes);
    this.#other?.carry();
    this.#telling.look();
  }

  setReading(on: boolean): void {
    this.#isReading = on;
    this.#telling.look();
  }

  #isReceivingDone(): boolean {
    return this.#receiving === 'dropping' || this.#receiving === 'ended';
  }

  // ---- the end

  shutdown(): void {
    if (this.#sending !== 'open' || this.isOver()) return;
    this.#sending = 'finAsked';
    this.flush();
    this.#awaitEnd();
  }

  close(): void {
    if (this.isOver() || this.#machine.lingering.has(this)) return;
    if (this.#receiving === 'open') this.#receiving = 'dropping';
    else if (this.#receiving === 'finArrived') this.#receiving = 'ended';
    this.#inbox.clear();
    this.shutdown();
    this.#other?.carry();
    this.#awaitEnd();
    this.#telling.look();
  }

  drop(): void {
    if (this.isOver() || this.#inbox.waiting > 0) {
      this.abort();
      return;
    }
    this.close();
    this.#linger();
  }

  abort(): void {
    if (this.#isGone) return;
    this.#resetOther();
    this.#leave();
  }

  #fail(fault: Fault): void {
    this.#resetOther();
    this.reset(fault);
  }

  #resetOther(): void {
    if (!this.#machine.network.isCut(this)) this.#other?.reset(resetFault());
  }

  /** The program is done with it, or was told so: the rest is the stack's own business. */
  #linger(): void {
    if (this.isOver()) return;
    this.#events = undefined;
    this.#machine.connections.delete(this);
    this.#machine.lingering.add(this);
    this.#lingersUntilMs = this.#machine.network.clock.nowMs() + LONGEST_LINGER_MS;
    this.#awaitEnd();
    this.#telling.look();
  }

  /** Once nothing more is sent or received, the peer has its time to acknowledge, and to end as well. */
  #awaitEnd(): void {
    if (this.#sending === 'open' || !this.#isReceivingDone() || this.isOver()) return;
    const { limits, timers, network } = this.#machine;
    const ms = this.#outbox.unacknowledged > 0 ? limits.closeTimeoutMs : FIN_WAIT_MS;
    timers.arm(this.#timer, Math.min(network.clock.nowMs() + ms, this.#lingersUntilMs));
  }

  /** The timer's: pieces were joined for long enough, or the end was waited for. */
  due(): void {
    if (!this.#isReceivingDone()) {
      this.#telling.look();
    } else if (this.#outbox.unacknowledged > 0) {
      const ms = this.#machine.limits.closeTimeoutMs;
      const cause = new Error(`the peer acknowledged nothing for ${ms} ms after close()`);
      this.#fail({ code: ErrorCode.ERR_TIMEOUT, cause });
    } else if (this.#machine.lingering.has(this)) {
      this.#leave();
    }
  }

  #leave(): void {
    const { connections, lingering, network } = this.#machine;
    this.#isGone = true;
    this.#events = undefined;
    this.#clear();
    this.#release();
    connections.delete(this);
    lingering.delete(this);
    network.lines.delete(this);
  }

  #clear(): void {
    this.#machine.changed(this.#outbox.unacknowledged, 0);
    this.#outbox.clear();
    this.#inbox.clear();
    this.#untold = 0;
    this.#keepAlive.set(0, 0, 0);
    this.#machine.timers.disarm(this.#timer);
  }

  // ---- probes

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    if (!this.isOver()) this.#keepAlive.set(idleMs, intervalMs, probes);
  }

  probe(): boolean {
    const { network } = this.#machine;
    if (this.#other === undefined || network.isCut(this)) return false;
    if (!this.#isRefusedBy(this.#other)) this.#hear();
    return true;
  }

  probesFailed(): void {
    this.#fail({ code: ErrorCode.ERR_TIMEOUT, cause: new Error('the peer answered no probe') });
  }

  // ---- what means nothing here: pieces are always the receiver's own, and nothing keeps a process alive

  setTakesLoans(): void {
    // None are lent.
  }

  setTakesViews(): void {
    // None are given.
  }

  setNoDelay(): void {
    // Nothing is delayed.
  }

  setKeepsAlive(): void {
    // A process ends when no work is left.
  }
}

function resetFault(): Fault {
  return { code: ErrorCode.ERR_RST, cause: new Error('the peer reset the connection') };
}
