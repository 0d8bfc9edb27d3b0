/**
 * One life of a client: from `connect` or an accepted connection up to `onDisconnect`. It stands between
 * the port's events and the user's handlers and keeps the contract's clauses L, T and the accounting of D.
 *
 * Call order: `dial` or `accept` once; then the phases go one way: dialing → open → closing → over. Any
 * phase can go to over. Whoever ends a life calls `#leave` at once (so that every getter answers as after
 * the end, L6) and `#tell` from the task, directly or by `post` (so that no method calls a callback before
 * it returns, L1).
 */
import { ErrorCode } from '../port/error-code.js';
import { TcpState } from '../port/tcp-state.js';
import type { Connection, ConnectionEvents, Fault, Loan } from '../port/tcp-stack.js';
import { CallbackKind } from '../task/callback-kind.js';
import type { ConnectionReport } from '../task/connection-report.js';
import { call1, call2, call3, type CallbackOwner } from '../task/dispatch.js';
import { assert } from '../support/assert.js';
import { runTicks } from '../support/callback-scope.js';
import { isError } from '../support/realm.js';
import { Timer, type TimerOwner } from '../support/timer-wheel.js';
import type { ClientCore } from './client-core.js';
import { Dial, type DialEvents, type DialTarget } from './dial.js';
import { holdsNoSocket, holdsSocket, type Holder } from './host.js';
import { Packet, type PacketOwner } from './packet.js';
import { SendClock } from './send-clock.js';

/** AsyncTCP's and lwIP's rhythm: two coarse timer ticks of 250 ms. */
const POLL_INTERVAL_MS = 500;

type Phase = 'dialing' | 'open' | 'closing' | 'over';

export interface DialOptions extends DialTarget {
  /** 0: as long as the system tries. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export class Session implements ConnectionEvents, DialEvents, TimerOwner, CallbackOwner, Holder, PacketOwner {
  // First what every message touches.

  readonly core: ClientCore;
  #phase: Phase = 'dialing';
  #connection: Connection | undefined;
  /** Bytes of the piece that `onData` has in hand, 0 once `ackLater` withheld them. */
  #inHand = 0;
  /** Bytes that `add` took and `send` did not give to the stack yet. */
  #added = 0;
  #sent = 0;
  #acked = 0;
  #received = 0;
  /** Bytes delivered and not given back: of `ackLater` and of packets. */
  #withheld = 0;
  #sendClock: SendClock | undefined;

  /** Called when the life is over and everybody was told; a server counts its clients with it. */
  readonly #onOver: (() => void) | undefined;
  #admitted = false;
  #dial: Dial | undefined;
  #timer: Timer | undefined;
  #unsubscribe: (() => void) | undefined;

  #dialDeadlineMs = Number.POSITIVE_INFINITY;
  #connectedAtMs = 0;
  #pollAtMs = 0;
  #lastDataMs = 0;
  /** Since when the bytes in flight wait without any of them being acknowledged. */
  #waitingSinceMs = 0;
  #ackAtMs = 0;

  constructor(core: ClientCore, onOver?: () => void) {
    this.core = core;
    this.#onOver = onOver;
  }

  // ---- the beginning

  dial(options: DialOptions): void {
    const { host, keepsAlive } = this.core;
    if (!host.admit()) {
      this.#endSoon({ code: ErrorCode.ERR_MEM });
      return;
    }
    this.#admitted = true;
    holdsSocket(this);
    if (options.signal?.aborted === true) {
      this.#endSoon(abortedBy(options.signal));
      return;
    }
    this.#listenTo(options.signal);
    if (options.timeoutMs > 0) this.#dialDeadlineMs = this.#nowMs() + options.timeoutMs;
    this.#dial = new Dial(host.stack, options, keepsAlive, this);
    this.rearm();
  }

  /**
   * Takes over a connection that stands already. The place among the active connections was taken by the
   * caller.
   */
  accept(connection: Connection): void {
    this.#admitted = true;
    holdsSocket(this);
    this.#open(connection);
  }

  dialed(connection: Connection): void {
    connection.setEvents(this);
    this.#open(connection);
    const { onConnect, client } = this.core;
    if (onConnect !== undefined) call1(this, CallbackKind.CONNECT, onConnect, client);
  }

  dialFailed(fault: Fault): void {
    this.#leave();
    this.#tell(fault);
  }

  connected(): void {
    assert(false, 'a session hears of its connection from the dial or the server');
  }

  #open(connection: Connection): void {
    const core = this.core;
    this.#stopListening();
    this.#dial = undefined;
    this.#connection = connection;
    this.#phase = 'open';
    const { localAddress, localPort, remoteAddress, remotePort } = connection;
    core.ends = { localAddress, localPort, remoteAddress, remotePort };
    if (core.noDelay) connection.setNoDelay(true);
    if (core.keepAliveMs !== undefined) connection.setKeepAlive(core.keepAliveMs, core.keepAliveProbes);
    if (!core.keepsAlive) connection.setKeepsAlive(false);
    if (this.#wantsAcks()) connection.setReportsAcks(true);
    if (core.onPacket !== undefined) connection.setTakesLoans(true);
    this.#connectedAtMs = this.#nowMs();
    this.#lastDataMs = this.#connectedAtMs;
    this.#dialDeadlineMs = Number.POSITIVE_INFINITY;
    this.applyPoll();
  }

  #listenTo(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const onAbort = (): void => {
      this.#drop();
      this.#endSoon(abortedBy(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#unsubscribe = () => {
      signal.removeEventListener('abort', onAbort);
    };
  }

  #stopListening(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  // ---- sending

  space(): number {
    return this.#phase === 'open' && this.#connection !== undefined ? this.#connection.sendSpace() : 0;
  }

  fits(bytes: number): boolean {
    return this.#phase === 'open' && this.#connection?.fits(bytes) === true;
  }

  /** Takes what fits; with `whole`, all or nothing. */
  add(bytes: Uint8Array, copy: boolean, more: boolean, whole: boolean): number {
    const connection = this.#connection;
    if (this.#phase !== 'open' || connection === undefined) return 0;
    if (whole && !connection.fits(bytes.length)) return 0;
    const taken = connection.write(bytes, copy, more);
    this.#added += taken;
    return taken;
  }

  /** `add`, then `flush`, in one: what the stack can send at once it need not copy. */
  write(bytes: Uint8Array, copy: boolean, more: boolean, whole: boolean): number {
    const connection = this.#connection;
    if (this.#phase !== 'open' || connection === undefined) return 0;
    if (whole && !connection.fits(bytes.length)) return 0;
    const taken = connection.send(bytes, copy, more);
    this.#added += taken;
    if (taken > 0) this.#countSent();
    return taken;
  }

  send(): boolean {
    if (this.#phase !== 'open' || this.state() === TcpState.CLOSED) return false;
    this.flush();
    return true;
  }

  /** Gives what was added to the stack. */
  flush(): void {
    if (this.#added > 0) this.#countSent();
    this.#connection?.output();
  }

  /** The time is asked only for whoever wants to know it. */
  #countSent(): void {
    const { onAck, onTimeout } = this.core;
    const wasIdle = this.#sent === this.#acked;
    if (onAck !== undefined) {
      this.#sendClock ??= new SendClock(this.#sent);
      this.#sendClock.sent(this.#sent + this.#added, this.#nowMs());
    }
    this.#sent += this.#added;
    this.#added = 0;
    if (wasIdle && onTimeout !== undefined) this.#awaitAck();
  }

  acked(bytes: number): void {
    this.#acked += bytes;
    assert(this.#acked <= this.#sent, 'no more is acknowledged than was sent');
    const { onAck, onTimeout, client } = this.core;
    if (onTimeout !== undefined && this.#sent > this.#acked) this.#awaitAck();
    if (onAck === undefined) return;
    const timeMs = this.#sendClock?.acked(this.#acked, this.#nowMs()) ?? 0;
    call3(this, CallbackKind.ACK, onAck, client, bytes, timeMs);
  }

  /** The ack timeout counts from now: a send after silence, or progress. */
  #awaitAck(): void {
    this.#waitingSinceMs = this.#nowMs();
    this.#ackAtMs = this.#waitingSinceMs + this.core.ackTimeoutMs;
    if (this.core.ackTimeoutMs > 0) this.#armFor(this.#ackAtMs);
  }

  // ---- receiving

  data(bytes: Uint8Array, loan?: Loan): void {
    const connection = this.#connection;
    assert(connection !== undefined, 'data comes from a connection');
    if (this.#phase !== 'open') {
      loan?.giveBack();
      connection.received(bytes.length);
      return;
    }
    this.#received += bytes.length;
    const { client, onPacket, onData, rxTimeoutS } = this.core;
    if (rxTimeoutS > 0) this.#lastDataMs = this.#nowMs();
    if (onPacket !== undefined) {
      this.#withheld += bytes.length;
      call2(this, CallbackKind.PACKET, onPacket, client, new Packet(bytes, this, loan));
      return;
    }
    this.#inHand = bytes.length;
    if (onData !== undefined) call2(this, CallbackKind.DATA, onData, client, bytes);
    const consumed = this.#inHand;
    this.#inHand = 0;
    if (consumed > 0) connection.received(consumed);
  }

  /** The piece in hand stays with the user until `ack`. */
  ackLater(): void {
    this.#withheld += this.#inHand;
    this.#inHand = 0;
  }

  /** Opens the window by up to `bytes`; returns by how many. */
  ack(bytes: number): number {
    const given = Math.min(bytes, this.#withheld);
    this.#withheld -= given;
    if (given > 0) this.#connection?.received(given);
    return given;
  }

  // ---- the end

  end(): void {
    if (this.#phase !== 'open') return;
    const { allowHalfOpen, onEnd, client } = this.core;
    if (!allowHalfOpen) this.close();
    else if (onEnd !== undefined) call1(this, CallbackKind.END, onEnd, client);
  }

  closed(fault: Fault | undefined): void {
    this.#leave();
    this.#tell(fault);
  }

  close(): void {
    if (this.#phase === 'dialing') {
      this.#drop();
      this.#endSoon(undefined);
    } else if (this.#phase === 'open' && this.#connection !== undefined) {
      this.flush();
      this.#phase = 'closing';
      this.#connection.close();
      this.ack(this.#withheld);
    }
  }

  shutdown(): ErrorCode {
    const state = this.state();
    const canSend = state === TcpState.ESTABLISHED || state === TcpState.CLOSE_WAIT;
    if (this.#phase !== 'open' || this.#connection === undefined || !canSend) return ErrorCode.ERR_CONN;
    this.flush();
    this.#connection.shutdown();
    return ErrorCode.ERR_OK;
  }

  abort(): ErrorCode {
    // The stack may know of the end already, with its event still on the way: then there is nothing to abort.
    if (this.state() === TcpState.CLOSED) return ErrorCode.ERR_CONN;
    this.#drop();
    this.#endSoon({ code: ErrorCode.ERR_ABRT });
    return ErrorCode.ERR_ABRT;
  }

  callbackThrew(): void {
    this.abort();
  }

  /**
   * Lets go with a reset and nothing else: the thread is about to end, and no callback of it will run
   * again.
   */
  reset(): void {
    this.#drop();
  }

  /** Lets go of whatever carries the bytes; no event comes from it any more. */
  #drop(): void {
    this.#dial?.cancel();
    this.#connection?.abort();
  }

  #endSoon(fault: Fault | undefined): void {
    this.#leave();
    this.core.host.stack.post(() => {
      this.#tell(fault);
    });
  }

  #leave(): void {
    assert(this.#phase !== 'over', 'a life ends once');
    this.#phase = 'over';
    this.#stopListening();
    if (this.#timer !== undefined) this.core.host.stack.timers.disarm(this.#timer);
    if (this.#admitted) {
      this.core.host.release();
      holdsNoSocket(this);
    }
    this.#dial = undefined;
    this.#connection = undefined;
  }

  #tell(fault: Fault | undefined): void {
    const core = this.core;
    if (fault !== undefined && core.onError !== undefined) {
      call3(this, CallbackKind.ERROR, core.onError, core.client, fault.code, fault.cause);
      runTicks();
    }
    // From here on the client may be used again, in onDisconnect already.
    core.session = undefined;
    this.#onOver?.();
    if (core.onDisconnect !== undefined) call1(this, CallbackKind.DISCONNECT, core.onDisconnect, core.client);
  }

  // ---- what it is

  state(): TcpState {
    if (this.#phase === 'over') return TcpState.CLOSED;
    return this.#connection?.state() ?? TcpState.SYN_SENT;
  }

  report(): ConnectionReport {
    const { client, ends } = this.core;
    return {
      localIP: ends.localAddress,
      localPort: ends.localPort,
      remoteIP: ends.remoteAddress,
      remotePort: ends.remotePort,
      state: client.stateToString(),
      bytesIn: this.#received,
      bytesOut: this.#sent,
    };
  }

  mss(): number {
    return this.state() === TcpState.CLOSED ? 0 : (this.#connection?.mss() ?? 0);
  }

  // ---- settings that concern the present connection

  applyNoDelay(): void {
    this.#connection?.setNoDelay(this.core.noDelay);
  }

  applyKeepAlive(): void {
    const { keepAliveMs, keepAliveProbes } = this.core;
    if (keepAliveMs !== undefined) this.#connection?.setKeepAlive(keepAliveMs, keepAliveProbes);
  }

  applyOnAck(): void {
    if (this.core.onAck === undefined) this.#sendClock = undefined;
    this.#connection?.setReportsAcks(this.#wantsAcks());
  }

  applyOnPacket(): void {
    this.#connection?.setTakesLoans(this.core.onPacket !== undefined);
  }

  #wantsAcks(): boolean {
    return this.core.onAck !== undefined || this.core.onTimeout !== undefined;
  }

  applyKeepsAlive(): void {
    this.#dial?.setKeepsAlive(this.core.keepsAlive);
    this.#connection?.setKeepsAlive(this.core.keepsAlive);
  }

  applyRxTimeout(): void {
    this.#lastDataMs = this.#nowMs();
    this.rearm();
  }

  /** Bytes that are under way when somebody begins to listen are waited for from now on. */
  applyOnTimeout(): void {
    this.#connection?.setReportsAcks(this.#wantsAcks());
    if (this.core.onTimeout === undefined) return;
    if (this.#phase !== 'over' && this.#sent > this.#acked) this.#awaitAck();
  }

  applyAckTimeout(): void {
    this.#ackAtMs = this.#waitingSinceMs + this.core.ackTimeoutMs;
    this.rearm();
  }

  /**
   * The poll's next time lies on the connection's own grid of 500 ms, also after a stall or when nobody
   * listened.
   */
  applyPoll(): void {
    const ticks = Math.floor((this.#nowMs() - this.#connectedAtMs) / POLL_INTERVAL_MS);
    this.#pollAtMs = this.#connectedAtMs + (ticks + 1) * POLL_INTERVAL_MS;
    this.rearm();
  }

  // ---- time

  due(nowMs: number): void {
    if (nowMs >= this.#dialDeadlineMs) {
      this.#dial?.cancel();
      this.#leave();
      this.#tell({ code: ErrorCode.ERR_TIMEOUT });
      return;
    }
    this.#poll(nowMs);
    if (nowMs >= this.#rxDeadlineMs()) this.close();
    this.#checkAck(nowMs);
    this.rearm();
  }

  #poll(nowMs: number): void {
    const { onPoll, client } = this.core;
    if (this.#phase !== 'open' || onPoll === undefined || nowMs < this.#pollAtMs) return;
    this.applyPoll();
    call1(this, CallbackKind.POLL, onPoll, client);
  }

  #checkAck(nowMs: number): void {
    if (this.#phase === 'over' || nowMs < this.#ackDeadlineMs()) return;
    this.#ackAtMs = nowMs + POLL_INTERVAL_MS;
    const { onTimeout, client } = this.core;
    if (onTimeout !== undefined)
      call2(this, CallbackKind.TIMEOUT, onTimeout, client, nowMs - this.#waitingSinceMs);
  }

  #rxDeadlineMs(): number {
    const { rxTimeoutS } = this.core;
    if (this.#phase !== 'open' || rxTimeoutS === 0) return Number.POSITIVE_INFINITY;
    return this.#lastDataMs + rxTimeoutS * 1000;
  }

  #ackDeadlineMs(): number {
    const waits = this.core.onTimeout !== undefined && this.#sent > this.#acked;
    return waits && this.core.ackTimeoutMs > 0 ? this.#ackAtMs : Number.POSITIVE_INFINITY;
  }

  /**
   * Sets the timer for whatever comes first. Times that move away need no call: the timer finds them when
   * it fires.
   */
  rearm(): void {
    if (this.#phase === 'over') return;
    const polls = this.#phase === 'open' && this.core.onPoll !== undefined;
    const atMs = Math.min(
      this.#dialDeadlineMs,
      polls ? this.#pollAtMs : Number.POSITIVE_INFINITY,
      this.#rxDeadlineMs(),
      this.#ackDeadlineMs(),
    );
    if (atMs < Number.POSITIVE_INFINITY) this.#armFor(atMs);
  }

  #armFor(atMs: number): void {
    this.#timer ??= new Timer(this);
    this.core.host.stack.timers.armBy(this.#timer, atMs);
  }

  #nowMs(): number {
    return this.core.host.stack.timers.nowMs();
  }
}

function abortedBy(signal: AbortSignal): Fault {
  const reason: unknown = signal.reason;
  return { code: ErrorCode.ERR_ABRT, cause: isError(reason) ? reason : undefined };
}
