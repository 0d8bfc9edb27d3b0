/**
 * One end of a connection. It acts on the other end at once (`wire.ts`), and calls its program's events when
 * the turn comes to it (`Reporting`).
 *
 * Each direction has its phases:
 *
 *     sending     open → finAsked → finSent → finAcked
 *     receiving   open → finReceived → ended, and once the program has closed it: dropping → ended
 *
 * An end that is in the last phase of both is gone. An end whose close was reported before that lingers.
 */
import { ErrorCode } from '../../port/error-code.js';
import { SendFlag } from '../../port/tcp-stack.js';
import type {
  Connection,
  ConnectionEvents,
  Endpoint,
  Fault,
  PathFigures,
  SendFlags,
} from '../../port/tcp-stack.js';
import { TcpState } from '../../port/tcp-state.js';
import { Timer } from '../../support/timers.js';
import { Inbox } from './inbox.js';
import { KeepAlive } from './keep-alive.js';
import type { Machine } from './machine.js';
import { Outbox } from './outbox.js';
import { Reporting } from './reporting.js';
import type { End } from './wire.js';

/** Bytes of data in a segment on Ethernet. This stack has no segments. */
const MSS_BYTES = 1460;
/**
 * Time without a sign of the peer after which a lingering end no longer waits for its FIN: lwIP's FIN_WAIT_2.
 */
const FIN_WAIT_MS = 20_000;
/** Time after which an end no longer lingers for a peer that goes on sending. */
const LONGEST_LINGER_MS = 300_000;

const STATES = {
  open: [TcpState.ESTABLISHED, TcpState.CLOSE_WAIT],
  finAsked: [TcpState.FIN_WAIT_1, TcpState.LAST_ACK],
  finSent: [TcpState.FIN_WAIT_1, TcpState.LAST_ACK],
  finAcked: [TcpState.FIN_WAIT_2, TcpState.TIME_WAIT],
} as const;

type Event = () => void;

export class MemoryConnection implements Connection, End {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly receiveWindowBytes: number;
  readonly #machine: Machine;
  readonly #release: () => void;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #timer = new Timer(this);
  readonly #keepAlive: KeepAlive;
  readonly #reporting: Reporting;
  #other: End | undefined;
  #events: ConnectionEvents | undefined;
  #fault: Fault | undefined;
  #sending: keyof typeof STATES = 'open';
  #receiving: 'open' | 'finReceived' | 'dropping' | 'ended' = 'open';
  #isGone = false;
  #isReading = true;
  #reportsAcks = false;
  #reportsDrained = false;
  /** Acknowledged bytes that were not reported. */
  #unreported = 0;
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
    this.#outbox = new Outbox(machine);
    this.#inbox = new Inbox(receiveWindowBytes);
    this.#heardAtMs = machine.network.clock.nowMs();
    this.#keepAlive = new KeepAlive(machine.timers, this);
    machine.connections.add(this);
    machine.network.flows.add(this);
    this.#reporting = new Reporting(machine.network.turns, [
      () => this.#faultEvent(),
      () => this.#ackEvent(),
      () => this.#spaceEvent(),
      () => this.#drainedEvent(),
      () => this.#dataEvent(),
      () => this.#endEvent(),
      () => this.#closeEvent(),
    ]);
  }

  join(other: End): void {
    this.#other = other;
  }

  /**
   * Shows the connection to the program, and then begins to report events. Without a receiver for them, also
   * because `show` threw, the connection is reset.
   */
  begin(show: () => ConnectionEvents | undefined): void {
    let events: ConnectionEvents | undefined;
    try {
      events = show();
    } finally {
      if (events === undefined) this.abort();
      else if (!this.#isGone && !this.#machine.lingering.has(this)) this.#events = events;
      this.#reporting.look();
    }
  }

  // ---- called by the other end

  isClosed(): boolean {
    return this.#isGone || this.#fault !== undefined;
  }

  window(): number {
    return this.#isReceivingDone() ? Number.POSITIVE_INFINITY : this.#inbox.window;
  }

  receive(bytes: Uint8Array): void {
    this.#hear();
    if (!this.#isReceivingDone()) this.#inbox.receive(bytes);
    else if (this.#outbox.unacknowledged === 0) this.#awaitEnd();
    this.#reporting.look();
  }

  receiveFin(): void {
    this.#hear();
    this.#receiving = this.#isReceivingDone() ? 'ended' : 'finReceived';
    this.#reporting.look();
  }

  reset(fault: Fault): void {
    if (this.isClosed()) return;
    this.#fault = fault;
    this.#clear();
    // The program knows the end of a lingering connection already.
    if (this.#machine.lingering.has(this)) this.#leave();
    else this.#reporting.look();
  }

  transmit(): void {
    const other = this.#other;
    if (other === undefined || this.isClosed()) return;
    const isCut = this.#machine.network.isCut(this);
    if (!isCut && this.#outbox.waiting > 0) this.#transmitBytes(other);
    if (this.#sending === 'finAsked' && this.#outbox.waiting === 0) this.#sending = 'finSent';
    if (!isCut && this.#sending === 'finSent' && !this.#isRefusedBy(other)) {
      this.#sending = 'finAcked';
      other.receiveFin();
    }
    this.#reporting.look();
  }

  #transmitBytes(other: End): void {
    if (this.#isRefusedBy(other)) return;
    const bytes = this.#outbox.transmit(other.window());
    if (bytes === undefined) this.#fail({ code: ErrorCode.ERR_IF, cause: detachedError() });
    else if (bytes.length > 0) other.receive(bytes);
  }

  /** Receives the reset of an end that is closed. Returns true if this end is closed now. */
  #isRefusedBy(other: End): boolean {
    if (other.isClosed()) this.reset(resetFault());
    return this.isClosed();
  }

  #hear(): void {
    this.#heardAtMs = this.#machine.network.clock.nowMs();
  }

  // ---- the program's events

  #faultEvent(): Event | undefined {
    const [events, fault] = [this.#events, this.#fault];
    if (events === undefined || fault === undefined) return undefined;
    this.#leave();
    return () => events.onClosed(fault);
  }

  #ackEvent(): Event | undefined {
    const acked = this.#outbox.takeAcked();
    if (acked > 0) {
      this.#unreported += acked;
      this.#hear();
      this.#awaitEnd();
      this.#reporting.look();
    }
    const bytes = this.#unreported;
    if (!this.#reportsAcks || bytes === 0) return undefined;
    this.#unreported = 0;
    return () => this.#events?.onAcked(bytes);
  }

  #spaceEvent(): Event | undefined {
    if (this.#wantedSpace === 0 || this.#sending !== 'open' || this.isClosed()) return undefined;
    // With nothing in flight there will be no more space: the request counts as met.
    const isThere = this.hasSpaceFor(this.#wantedSpace) || this.#outbox.unacknowledged === 0;
    if (!isThere) return undefined;
    this.#wantedSpace = 0;
    return () => this.#events?.onSpaceFreed?.();
  }

  #drainedEvent(): Event | undefined {
    if (!this.#outbox.takeDrained() || !this.#reportsDrained) return undefined;
    return () => this.#events?.onDrained?.();
  }

  #dataEvent(): Event | undefined {
    if (this.#events === undefined || !this.#isReading || this.#inbox.waiting === 0) return undefined;
    const nowMs = this.#machine.network.clock.nowMs();
    const atMs = this.#inbox.nextPieceMs();
    if (nowMs >= atMs) return () => this.#events?.onData(this.#inbox.deliver(nowMs));
    this.#machine.timers.arm(this.#timer, atMs);
    return undefined;
  }

  #endEvent(): Event | undefined {
    const isDue = this.#receiving === 'finReceived' && this.#inbox.waiting === 0;
    if (!isDue || this.#events === undefined || this.isClosed()) return undefined;
    this.#receiving = 'ended';
    this.#awaitEnd();
    return () => this.#events?.onEnd();
  }

  #closeEvent(): Event | undefined {
    const events = this.#events;
    const isSent = this.#sending === 'finSent' || this.#sending === 'finAcked';
    if (!isSent || !this.#isReceivingDone() || this.#outbox.unacknowledged > 0 || this.isClosed())
      return undefined;
    if (this.#sending === 'finAcked' && this.#receiving === 'ended') this.#leave();
    else this.#linger();
    return events === undefined ? undefined : () => events.onClosed(undefined);
  }

  // ---- getters

  state(): TcpState {
    if (this.isClosed()) return TcpState.CLOSED;
    // The peer's FIN is shown when no data waits before it.
    const isFinNext = this.#receiving === 'finReceived' && this.#inbox.waiting === 0;
    const hasPeerEnded = isFinNext || this.#receiving === 'ended';
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
    // Probes of a closed window are answered at once.
    const probes = this.#outbox.waiting > 0 && this.#other?.isClosed() === false;
    if (probes && !this.#machine.network.isCut(this)) return 0;
    return this.#machine.network.clock.nowMs() - this.#heardAtMs;
  }

  /**
   * Returns the model's own values. Bytes take no time and are never lost; an end that is cut off sends them
   * again and again.
   */
  path(): PathFigures {
    const isCut = this.#machine.network.isCut(this);
    const window = this.#other?.window() ?? 0;
    return {
      mss: MSS_BYTES,
      heardAgoMs: this.heardAgoMs(),
      roundTripMs: 0,
      retransmissions: 0,
      peerWindow: Number.isFinite(window) ? window : undefined,
      unanswered: isCut && this.#outbox.waiting > 0 ? Number.POSITIVE_INFINITY : 0,
    };
  }

  undelivered(): number {
    return this.#inbox.waiting;
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
    return this.#sending !== 'open' || this.isClosed() ? 0 : this.#outbox.space;
  }

  hasSpaceFor(bytes: number): boolean {
    return this.sendSpace() >= bytes;
  }

  /** Ignores MORE: bytes that leave in one turn arrive as one piece. */
  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    const taken = Math.min(bytes.length, this.sendSpace());
    if (taken > 0) this.#outbox.enqueue(bytes.subarray(0, taken), (flags & SendFlag.COPY) !== 0);
    return taken;
  }

  flush(): void {
    this.#outbox.flush();
    this.transmit();
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    const taken = this.enqueue(bytes, flags);
    if (taken > 0) this.flush();
    return taken;
  }

  setReportsAcks(on: boolean): void {
    this.#reportsAcks = on;
    this.#reporting.look();
  }

  setReportsDrained(on: boolean): void {
    this.#reportsDrained = on;
  }

  setWantsSpace(bytes: number): void {
    this.#wantedSpace = bytes;
    this.#reporting.look();
  }

  // ---- receiving

  consume(bytes: number): void {
    if (this.isClosed() || this.#isReceivingDone()) return;
    this.#inbox.consume(bytes);
    this.#other?.transmit();
    this.#reporting.look();
  }

  setReading(on: boolean): void {
    this.#isReading = on;
    this.#reporting.look();
  }

  #isReceivingDone(): boolean {
    return this.#receiving === 'dropping' || this.#receiving === 'ended';
  }

  // ---- the end

  shutdown(): void {
    if (this.#sending !== 'open' || this.isClosed()) return;
    this.#sending = 'finAsked';
    this.flush();
    this.#awaitEnd();
  }

  close(): void {
    if (this.isClosed() || this.#machine.lingering.has(this)) return;
    // The end is awaited already.
    if (this.#sending !== 'open' && this.#isReceivingDone()) return;
    if (this.#receiving === 'open') this.#receiving = 'dropping';
    else if (this.#receiving === 'finReceived') this.#receiving = 'ended';
    this.#inbox.clear();
    this.shutdown();
    this.#other?.transmit();
    this.#awaitEnd();
    this.#reporting.look();
  }

  drop(): void {
    if (this.isClosed() || this.#inbox.waiting > 0) {
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

  /** The program has no further part in it: the stack finishes the connection on its own. */
  #linger(): void {
    if (this.isClosed() || this.#machine.lingering.has(this)) return;
    this.#events = undefined;
    this.#machine.connections.delete(this);
    this.#machine.lingering.add(this);
    this.#lingersUntilMs = this.#machine.network.clock.nowMs() + LONGEST_LINGER_MS;
    this.#awaitEnd();
    this.#reporting.look();
  }

  /** Bounds the wait for the peer, for its acknowledgements or its FIN, once both directions end. */
  #awaitEnd(): void {
    if (this.#sending === 'open' || !this.#isReceivingDone() || this.isClosed()) return;
    const { limits, timers, network } = this.#machine;
    const ms = this.#outbox.unacknowledged > 0 ? limits.closeTimeoutMs : FIN_WAIT_MS;
    timers.arm(this.#timer, Math.min(network.clock.nowMs() + ms, this.#lingersUntilMs));
  }

  /** Called by the timer: joined pieces can be delivered, or the wait for the peer is over. */
  due(): void {
    if (!this.#isReceivingDone()) {
      this.#reporting.look();
    } else if (this.#outbox.unacknowledged > 0) {
      const ms = this.#machine.limits.closeTimeoutMs;
      const cause = new Error(`there was no progress for ${ms} ms after close()`);
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
    network.flows.delete(this);
  }

  #clear(): void {
    this.#outbox.clear();
    this.#inbox.clear();
    this.#unreported = 0;
    this.#keepAlive.set(0, 0, 0);
    this.#machine.timers.disarm(this.#timer);
  }

  // ---- probes

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    if (!this.isClosed()) this.#keepAlive.set(idleMs, intervalMs, probes);
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

  // ---- settings without a meaning here

  setTakesLoans(): void {
    // Pieces are always the receiver's own.
  }

  setTakesViews(): void {
    // Pieces are always the receiver's own.
  }

  setNoDelay(): void {
    // Nothing is delayed.
  }

  setKeepsAlive(): void {
    // Nothing of this stack keeps the process alive.
  }
}

function resetFault(): Fault {
  return { code: ErrorCode.ERR_RST, cause: new Error('the peer reset the connection') };
}

/** Returns the error with which a kernel refuses to send bytes that it cannot read (write(2)). */
function detachedError(): Error {
  return Object.assign(new Error('write EFAULT'), { errno: -14, code: 'EFAULT', syscall: 'write' });
}
