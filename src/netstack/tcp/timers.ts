/**
 * The timers of a connection: several times, and one timer that is armed for the earliest. A time that
 * moves on costs nothing: the timer fires at the old time, finds nothing due, and is armed anew.
 *
 * A profile with ticks (lwIP) counts whole ticks of the host: a time is rounded to the tick at which lwIP
 * acts.
 */
import { TcpFlag } from '../wire/tcp-header.js';
import { fail, sendReset } from './close.js';
import type { TcpConnection } from './connection.js';
import type { TcpHost } from './host.js';
import { resend, sendSmall } from './output.js';
import { acknowledgeNow, dropOutOfOrder } from './receive.js';
import { timeoutMs } from './rtt.js';
import { sendEmpty, sendSegment } from './segment-writer.js';
import { seqAdd, seqOf } from './sequence.js';
import { TcpState } from './state.js';
import { TimeRow } from './time-table.js';

const NEVER = Number.POSITIVE_INFINITY;
/** Time for which a corked connection holds a small segment back (Linux: tcp(7), TCP_CORK). */
const CORK_MS = 200;
/** Retransmission timeout of data behind a SYN that was lost (RFC 6298 §5.7). */
const LOST_SYN_RTO_MS = 3000;
/** Time between two answers to refused segments that carry nothing (Linux: tcp_invalid_ratelimit). */
export const ANSWER_INTERVAL_MS = 500;
/** Doublings of an interval at most. */
const MOST_BACKOFFS = 16;

/** Returns the time that lies `delayMs` ahead, or lwIP's slow tick for that. */
function deadlineMs({ profile: { ticks }, clock, bootMs }: TcpHost, delayMs: number): number {
  const nowMs = clock.nowMs();
  if (ticks === undefined) return nowMs + delayMs;
  const { slowMs } = ticks;
  return tickMs(bootMs, nowMs, slowMs, Math.max(1, Math.ceil(delayMs / slowMs)));
}

/**
 * Returns the end of a state that has lasted since `sinceMs` and lasts for `ms`. lwIP leaves it at the first
 * slow tick at which more than that has passed (`tcp_slowtmr`).
 */
export function stayEndMs({ profile: { ticks }, bootMs }: TcpHost, sinceMs: number, ms: number): number {
  if (ticks === undefined) return sinceMs + ms;
  const { slowMs } = ticks;
  return tickMs(bootMs, sinceMs, slowMs, Math.floor(ms / slowMs) + 1);
}

/** Returns the time of the tick `count` ticks ahead of `nowMs`. */
function tickMs(bootMs: number, nowMs: number, intervalMs: number, count: number): number {
  const passed = Math.floor((nowMs - bootMs) / intervalMs);
  // The difference of two fractions may be rounded down to the tick before.
  const isRounded = bootMs + (passed + 1) * intervalMs <= nowMs;
  return bootMs + (passed + count + (isRounded ? 1 : 0)) * intervalMs;
}

interface KeepAlive {
  readonly idleMs: number;
  readonly intervalMs: number;
  readonly probes: number;
  /** Probes in a row without an answer. */
  sent: number;
  sentAtMs: number;
}

export class ConnectionTimers extends TimeRow {
  readonly #c: TcpConnection;
  /** Doublings of the retransmission timeout since the last valid sample. */
  backoffs = 0;
  /** Retransmissions and probes in a row without an answer. */
  unanswered = 0;
  #probes = 0;
  /** True if the byte or the FIN at SND.NXT went out as a probe of a closed window. */
  isProbed = false;
  userTimeoutMs = 0;
  #keepAlive: KeepAlive | undefined;

  constructor(connection: TcpConnection) {
    super(connection.host.times);
    this.#c = connection;
    this.heardAtMs = connection.nowMs();
  }

  /** Earliest of all times; `Infinity` if nothing waits. */
  get earliestMs(): number {
    const retransmitMs = Math.min(this.retransmitAtMs, this.probeAtMs, this.reorderAtMs, this.persistAtMs);
    const otherMs = Math.min(this.delayedAckAtMs, this.keepAliveAtMs, this.corkAtMs, this.outOfOrderAtMs);
    return Math.min(retransmitMs, otherMs, this.lifeAtMs);
  }

  disarm(): void {
    this.#c.host.timers.disarm(this.#c.timer);
    this.retransmitAtMs = this.probeAtMs = this.reorderAtMs = this.delayedAckAtMs = NEVER;
    this.persistAtMs = this.keepAliveAtMs = this.corkAtMs = this.outOfOrderAtMs = this.lifeAtMs = NEVER;
  }

  /** Has the timer fire at `atMs` at the latest. */
  wakeBy(atMs: number): void {
    const { host, timer } = this.#c;
    if (atMs < NEVER && !(timer.armed && timer.atMs <= atMs)) host.timers.arm(timer, atMs);
  }

  due(nowMs: number): void {
    const c = this.#c;
    if (this.delayedAckAtMs <= nowMs) this.delayedAckDue();
    if (this.reorderAtMs <= nowMs) c.recovery?.reorderingOver();
    if (this.probeAtMs <= nowMs) this.probeDue();
    if (this.retransmitAtMs <= nowMs) this.retransmitDue();
    if (this.persistAtMs <= nowMs) this.persistDue();
    if (this.corkAtMs <= nowMs) this.corkDue();
    if (this.outOfOrderAtMs <= nowMs) this.outOfOrderDue();
    if (this.keepAliveAtMs <= nowMs) this.keepAliveDue(nowMs);
    if (this.lifeAtMs <= nowMs) this.lifeDue(nowMs);
    if (c.isOver) return;
    c.host.schedule(c);
    this.wakeBy(this.earliestMs);
  }

  // ---- retransmission (RFC 6298 §5)

  rtoMs(): number {
    const { profile } = this.#c.host;
    const measuredMs = timeoutMs(this, profile);
    const baseMs = this.isRttUnknownAfterLoss() ? Math.max(measuredMs, LOST_SYN_RTO_MS) : measuredMs;
    const isSyn = this.#c.state <= TcpState.SYN_RECEIVED;
    if (isSyn && !profile.synBackoff && this.#c.state === TcpState.SYN_SENT) return baseMs;
    return Math.min(baseMs * (1 << Math.min(this.backoffs, MOST_BACKOFFS)), profile.maxRtoMs);
  }

  private isRttUnknownAfterLoss(): boolean {
    const { wasSynLost, host } = this.#c;
    return wasSynLost && this.smoothedRttMs < 0 && host.profile.ticks === undefined;
  }

  armRetransmit(): void {
    this.retransmitAtMs = this.byUserTimeout(deadlineMs(this.#c.host, this.rtoMs()));
    this.wakeBy(this.retransmitAtMs);
  }

  /** New data has left: the timer runs from the first segment in flight on (5.1). */
  dataSent(): void {
    this.persistAtMs = NEVER;
    this.isProbed = false;
    if (this.retransmitAtMs === NEVER) this.armRetransmit();
    this.armProbe();
  }

  resent(): void {
    if (this.retransmitAtMs === NEVER) this.armRetransmit();
  }

  /** New data is acknowledged (5.2, 5.3). */
  progressed(): void {
    this.unanswered = 0;
    if (this.#c.host.profile.ticks !== undefined) this.backoffs = 0;
    this.#probes = 0;
    this.unansweredSinceMs = NEVER;
    if (this.#c.sent.first === undefined) this.retransmitAtMs = this.probeAtMs = NEVER;
    else {
      this.armRetransmit();
      this.armProbe();
    }
  }

  private retransmitDue(): void {
    const c = this.#c;
    this.retransmitAtMs = NEVER;
    const first = c.sent.first;
    if (first === undefined) return;
    // A peer that has closed its window over data in flight, and answers, is there (RFC 9293 §3.8.6.1).
    const isAnswered = c.sndWnd === 0 && this.heardAtMs >= first.sentAtMs;
    if (isAnswered && !c.isOrphan && c.state >= TcpState.ESTABLISHED) {
      this.unanswered = 0;
      this.unansweredSinceMs = NEVER;
    }
    if (this.isGivenUp(this.mostRetransmissions())) {
      this.giveUp();
      return;
    }
    this.backoffs += 1;
    this.unanswered += 1;
    c.path = c.host.ip.pathTo(c.remoteAddress, c.localAddress) ?? c.path;
    if (c.state <= TcpState.SYN_RECEIVED) resend(c, first);
    else {
      c.recovery?.timedOut();
      resend(c, c.sent.first ?? first);
    }
    this.armRetransmit();
  }

  private mostRetransmissions(): number {
    const { profile } = this.#c.host;
    if (this.#c.state === TcpState.SYN_SENT) return profile.synRetransmissions;
    return this.#c.state === TcpState.SYN_RECEIVED
      ? profile.synAckRetransmissions
      : profile.maxRetransmissions;
  }

  /** Counts a failure to reach the peer. Returns true if it is one too many. */
  private isGivenUp(most: number): boolean {
    const nowMs = this.#c.nowMs();
    if (this.unansweredSinceMs === NEVER) this.unansweredSinceMs = this.#c.sent.first?.sentAtMs ?? nowMs;
    if (this.userTimeoutMs > 0) return nowMs >= this.unansweredSinceMs + this.userTimeoutMs;
    return this.unanswered >= most;
  }

  /** Returns `atMs`, or the end of the user timeout if that comes first (RFC 5482 §1). */
  private byUserTimeout(atMs: number): number {
    if (this.userTimeoutMs === 0 || this.unansweredSinceMs === NEVER) return atMs;
    return Math.min(atMs, Math.max(this.#c.nowMs(), this.unansweredSinceMs + this.userTimeoutMs));
  }

  private giveUp(): void {
    fail(this.#c, 'timedOut');
  }

  // ---- tail loss probe (RFC 8985 §7)

  armProbe(): void {
    const delayMs = this.#c.recovery?.probeDelayMs();
    if (delayMs === undefined) {
      this.probeAtMs = NEVER;
      return;
    }
    // A probe that would come later than the retransmission takes its place (§7.2).
    this.probeAtMs = Math.min(this.#c.nowMs() + delayMs, this.retransmitAtMs);
    this.wakeBy(this.probeAtMs);
  }

  private probeDue(): void {
    this.probeAtMs = NEVER;
    this.#c.recovery?.probe();
    this.armRetransmit();
  }

  // ---- a closed window (RFC 9293 §3.8.6.1, RFC 1122 §4.2.2.17)

  armPersist(): void {
    if (this.persistAtMs < NEVER) return;
    this.persistAtMs = this.byUserTimeout(deadlineMs(this.#c.host, this.persistMs()));
    this.wakeBy(this.persistAtMs);
  }

  private persistMs(): number {
    const { persistMs, maxRtoMs } = this.#c.host.profile;
    const backoffs = Math.min(this.#probes, MOST_BACKOFFS);
    if (persistMs === undefined) return Math.min(this.rtoMs() * (1 << backoffs), maxRtoMs);
    return persistMs[Math.min(backoffs, persistMs.length - 1)] ?? maxRtoMs;
  }

  /** The window is open again, or there is nothing to send. */
  persistOver(): void {
    this.persistAtMs = NEVER;
    this.#probes = 0;
  }

  private persistDue(): void {
    const c = this.#c;
    this.persistAtMs = NEVER;
    const { maxPersistProbes, maxRetransmissions } = c.host.profile;
    if (c.sent.first !== undefined || (c.unsent() === 0 && !c.isFinQueued)) return;
    if (this.isGivenUp(maxPersistProbes ?? maxRetransmissions)) {
      this.giveUp();
      return;
    }
    if (sendSmall(c)) return;
    const { orphanProbes, maxRtoMs } = c.host.profile;
    const isSlow = this.persistMs() >= maxRtoMs;
    if (c.isOrphan && isSlow && this.#probes >= (orphanProbes ?? NEVER)) {
      // The peer takes nothing, and its program can no longer end it (Linux: tcp_orphan_retries).
      sendReset(c);
      this.giveUp();
      return;
    }
    this.#probes += 1;
    this.unanswered += 1;
    if (c.host.profile.ticks === undefined) sendEmpty(c, seqOf(c.sndUna - 1), TcpFlag.ACK);
    else this.probeWithData();
    this.armPersist();
  }

  /** lwIP probes with the next byte, or with FIN. */
  private probeWithData(): void {
    const c = this.#c;
    this.isProbed = true;
    if (c.unsent() > 0) sendSegment(c, c.sndNxt, 1, TcpFlag.ACK);
    else sendSegment(c, c.sndNxt, 0, TcpFlag.ACK | TcpFlag.FIN);
  }

  /** The peer has answered a probe: it is there, however long its window stays closed. */
  answered(): void {
    if (this.#c.sent.first !== undefined) return;
    this.unanswered = 0;
    this.unansweredSinceMs = NEVER;
  }

  // ---- acknowledgements

  delayAck(): void {
    if (this.delayedAckAtMs < NEVER) return;
    const { profile, bootMs } = this.#c.host;
    const nowMs = this.#c.nowMs();
    const { ticks } = profile;
    this.delayedAckAtMs =
      ticks === undefined ? nowMs + profile.delayedAckMs : tickMs(bootMs, nowMs, ticks.fastMs, 1);
    this.wakeBy(this.delayedAckAtMs);
  }

  /**
   * Returns true if a segment that carries nothing and is refused may be answered: two ends that have lost
   * each other's place, as after a forged segment, would answer each other without end. lwIP's do, with a
   * limit at one instant.
   */
  mayAnswer(): boolean {
    const nowMs = this.#c.nowMs();
    if (this.#c.host.profile.ticks !== undefined) return this.#c.host.mayChallenge();
    if (nowMs < this.answerAtMs) return false;
    this.answerAtMs = nowMs + ANSWER_INTERVAL_MS;
    return true;
  }

  private delayedAckDue(): void {
    this.delayedAckAtMs = NEVER;
    acknowledgeNow(this.#c);
  }

  // ---- other times

  setCork(on: boolean): void {
    if (this.#c.isOver) return;
    this.corkAtMs = on ? this.#c.nowMs() + CORK_MS : NEVER;
    this.wakeBy(this.corkAtMs);
  }

  private corkDue(): void {
    this.corkAtMs = this.#c.nowMs() + CORK_MS;
    sendSmall(this.#c);
  }

  /** Segments out of order are dropped some time after the last one came (lwIP: TCP_OOSEQ_TIMEOUT). */
  outOfOrderKept(): void {
    const { outOfOrderRtos } = this.#c.host.profile;
    if (outOfOrderRtos === undefined) return;
    this.outOfOrderAtMs = deadlineMs(this.#c.host, this.rtoMs() * outOfOrderRtos);
    this.wakeBy(this.outOfOrderAtMs);
  }

  outOfOrderEmpty(): void {
    this.outOfOrderAtMs = NEVER;
  }

  private outOfOrderDue(): void {
    this.outOfOrderAtMs = NEVER;
    dropOutOfOrder(this.#c);
  }

  // ---- states that do not last

  armSynReceived(): void {
    this.armLife(this.#c.host.profile.synReceivedMs);
  }

  armFinWait2(): void {
    this.armLife(this.#c.host.profile.finWait2Ms);
  }

  armLastAck(): void {
    this.armLife(this.#c.host.profile.lastAckMs);
  }

  endLife(): void {
    this.lifeAtMs = NEVER;
  }

  private armLife(ms: number | undefined): void {
    this.lifeAtMs = ms === undefined ? NEVER : this.lifeEndMs(ms);
    this.wakeBy(this.lifeAtMs);
  }

  /** Returns the end of a state that lasts for `ms`; lwIP counts from the last segment on (`tcp_slowtmr`). */
  private lifeEndMs(ms: number): number {
    const { profile, bootMs } = this.#c.host;
    const nowMs = this.#c.nowMs();
    if (profile.ticks === undefined) return nowMs + ms;
    const endMs = stayEndMs(this.#c.host, this.heardAtMs, ms);
    return Math.max(endMs, tickMs(bootMs, nowMs, profile.ticks.slowMs, 1));
  }

  private lifeDue(nowMs: number): void {
    this.lifeAtMs = NEVER;
    const isPutOff = this.#c.host.profile.ticks !== undefined && nowMs - this.heardAtMs <= this.lifeMs();
    if (isPutOff) this.armLife(this.lifeMs());
    else fail(this.#c, 'timedOut');
  }

  /** Returns the longest stay in the present state. */
  private lifeMs(): number {
    const { state, host } = this.#c;
    const { finWait2Ms, lastAckMs = 0, synReceivedMs = 0 } = host.profile;
    if (state === TcpState.FIN_WAIT_2) return finWait2Ms;
    return state === TcpState.LAST_ACK ? lastAckMs : synReceivedMs;
  }

  /**
   * Notes that a segment has come. Once the program has closed the connection, lwIP notes none (TF_RXCLOSED).
   */
  heard(): void {
    const c = this.#c;
    if (c.isOrphan && c.host.profile.ticks !== undefined) return;
    this.heardAtMs = c.nowMs();
  }

  // ---- keep-alive (RFC 9293 §3.8.4)

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    if (this.#c.isOver) return;
    const isOn = idleMs > 0;
    this.#keepAlive = isOn ? { idleMs, intervalMs, probes, sent: 0, sentAtMs: NEVER } : undefined;
    this.keepAliveAtMs = isOn ? this.heardAtMs + idleMs : NEVER;
    this.wakeBy(this.keepAliveAtMs);
  }

  private keepAliveDue(nowMs: number): void {
    const c = this.#c;
    const settings = this.#keepAlive;
    this.keepAliveAtMs = NEVER;
    if (settings === undefined) return;
    // An answer counts also if it came long ago: the interval may be longer than the idle time.
    if (this.heardAtMs >= settings.sentAtMs) settings.sent = 0;
    const idleAtMs = this.heardAtMs + settings.idleMs;
    if (nowMs < idleAtMs) {
      this.keepAliveAtMs = idleAtMs;
    } else if (c.sent.first !== undefined || c.state < TcpState.ESTABLISHED) {
      // Retransmissions notice a dead peer by themselves.
      this.keepAliveAtMs = nowMs + settings.intervalMs;
    } else if (settings.sent >= settings.probes) {
      sendReset(c);
      this.giveUp();
    } else {
      settings.sent += 1;
      settings.sentAtMs = nowMs;
      sendEmpty(c, seqAdd(c.sndUna, -1), TcpFlag.ACK);
      this.keepAliveAtMs = nowMs + settings.intervalMs;
    }
  }
}
