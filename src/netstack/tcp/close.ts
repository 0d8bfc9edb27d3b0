/** The ends of a connection: FIN, close, reset, failure, TIME_WAIT (RFC 9293 §3.6, §3.9.1.4, §3.9.1.5). */
import { TcpEvent, type TcpFailure } from '../raw-api.js';
import { TcpFlag } from '../wire/tcp-header.js';
import type { TcpConnection } from './connection.js';
import { output } from './output.js';
import { dropOutOfOrder, windowOpened } from './receive.js';
import { sendEmpty } from './segment-writer.js';
import { canSend, changeState, isSynchronized, TcpState } from './state.js';

export function shutdown(c: TcpConnection): void {
  if (c.isFinQueued || c.state === TcpState.CLOSED) return;
  if (c.state === TcpState.SYN_SENT) {
    // There is no connection yet that could end in order (§3.10.4).
    remove(c);
    c.signalClosed();
    return;
  }
  c.isFinQueued = true;
  // In SYN_RECEIVED, FIN follows the handshake.
  if (canSend(c.state)) changeState(c, 'shutdown');
  if (c.state === TcpState.LAST_ACK) c.timers.armLastAck();
  output(c);
}

/** The handshake is complete, and the program had asked for FIN before. */
export function shutdownWhenEstablished(c: TcpConnection): void {
  if (c.isFinQueued && canSend(c.state)) changeState(c, 'shutdown');
}

export function close(c: TcpConnection, discards: boolean): void {
  if (c.state === TcpState.CLOSED || c.isOrphan) return;
  const isLosingData = isSynchronized(c.state) && c.state !== TcpState.TIME_WAIT;
  if (!discards && isLosingData && c.receiveRing.length + c.unconsumed > 0) {
    // The peer has to learn that its data was lost (RFC 1122 §4.2.2.13).
    abort(c);
    c.signalClosed();
    return;
  }
  c.isOrphan = true;
  if (discards) discardData(c);
  if (c.state === TcpState.FIN_WAIT_2) c.timers.armFinWait2();
  shutdown(c);
}

/** From now on data is taken, acknowledged and dropped. */
function discardData(c: TcpConnection): void {
  c.isDiscarding = true;
  dropOutOfOrder(c);
  c.releaseReceived();
  c.unconsumed = 0;
  windowOpened(c);
}

export function abort(c: TcpConnection): void {
  const { state } = c;
  if (state === TcpState.CLOSED) return;
  if (state === TcpState.TIME_WAIT) {
    // The peer has no part in it any more (§3.10.5), but for the acknowledgement of its FIN.
    output(c);
    changeState(c, 'delete');
    c.host.endTimeWait(c);
    return;
  }
  if (state !== TcpState.SYN_SENT) sendReset(c);
  remove(c);
}

export function sendReset(c: TcpConnection): void {
  c.host.counters.resetsSent += 1;
  sendEmpty(c, c.sndNxt, TcpFlag.RST | TcpFlag.ACK);
}

/** Ends a connection that cannot go on. */
export function fail(c: TcpConnection, failure: TcpFailure): void {
  if (c.state === TcpState.CLOSED) return;
  c.failure = failure;
  remove(c);
  c.signalClosed();
}

/** Both FINs are exchanged, and this side's acknowledgement of the last one may get lost (§3.6.1). */
export function enterTimeWait(c: TcpConnection): void {
  releaseWork(c);
  c.host.enteredTimeWait(c);
  c.signalClosed();
}

/** This side's FIN is acknowledged. */
export function finAcked(c: TcpConnection): void {
  changeState(c, 'finAcked');
  c.signal(TcpEvent.FIN_ACKED);
  if (c.state === TcpState.TIME_WAIT) enterTimeWait(c);
  else if (c.state === TcpState.CLOSED) {
    release(c);
    c.signalClosed();
  } else if (c.isOrphan) c.timers.armFinWait2();
}

/** Deletes a connection: the only place besides `finAcked` that leaves the last state. */
export function remove(c: TcpConnection): void {
  changeState(c, 'delete');
  release(c);
}

/** Gives back all that the host keeps for a connection, but for data that its program can still read. */
function release(c: TcpConnection): void {
  releaseWork(c);
  // The program still reads what has come before the end, unless it has ended the connection itself.
  if (c.failure === undefined && !c.isFinReceived) c.releaseReceived();
  c.listener?.lost(c);
  c.host.forget(c);
}

/** Gives back what serves sending and waiting. */
function releaseWork(c: TcpConnection): void {
  c.timers.disarm();
  c.timers.release();
  c.releaseSent();
  c.releaseSendRing();
  c.ranges.clear();
}
