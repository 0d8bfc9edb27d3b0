/**
 * The states of RFC 9293 §3.3.2, with the numbers of lwIP, and the table of what leads from one to another
 * (figure 5). `changeState` is the only place that changes a connection's state.
 */
import { assert } from '../../support/assert.js';

export const TcpState = {
  CLOSED: 0,
  LISTEN: 1,
  SYN_SENT: 2,
  SYN_RECEIVED: 3,
  ESTABLISHED: 4,
  FIN_WAIT_1: 5,
  FIN_WAIT_2: 6,
  CLOSE_WAIT: 7,
  CLOSING: 8,
  LAST_ACK: 9,
  TIME_WAIT: 10,
} as const;

export type TcpState = (typeof TcpState)[keyof typeof TcpState];

/** An event that moves a connection from one state to another. */
export type StateEvent =
  /** An active open. */
  | 'connect'
  /** A SYN reached a listener. */
  | 'listenerSyn'
  /** A SYN without an acceptable ACK, in answer to this side's SYN: a simultaneous open (§3.5). */
  | 'peerSyn'
  /** This side's SYN is acknowledged, and the peer's has come. */
  | 'established'
  /** The program will send nothing more: FIN follows what was written. */
  | 'shutdown'
  /** This side's FIN is acknowledged. */
  | 'finAcked'
  /** The peer's FIN, and all data before it. */
  | 'peerFin'
  /** The connection is deleted: reset, failure, or the end of TIME_WAIT. */
  | 'delete';

const S = TcpState;

/** The next state for each state and event; what is missing cannot happen. */
export const TRANSITIONS: Readonly<Record<TcpState, Readonly<Partial<Record<StateEvent, TcpState>>>>> = {
  [S.CLOSED]: { connect: S.SYN_SENT, listenerSyn: S.SYN_RECEIVED },
  // A listener is an object of its own, not a connection.
  [S.LISTEN]: {},
  [S.SYN_SENT]: { established: S.ESTABLISHED, peerSyn: S.SYN_RECEIVED, delete: S.CLOSED },
  // FIN always follows the handshake (§3.10.4 leaves that open).
  [S.SYN_RECEIVED]: { established: S.ESTABLISHED, delete: S.CLOSED },
  [S.ESTABLISHED]: { shutdown: S.FIN_WAIT_1, peerFin: S.CLOSE_WAIT, delete: S.CLOSED },
  [S.FIN_WAIT_1]: { finAcked: S.FIN_WAIT_2, peerFin: S.CLOSING, delete: S.CLOSED },
  [S.FIN_WAIT_2]: { peerFin: S.TIME_WAIT, delete: S.CLOSED },
  [S.CLOSE_WAIT]: { shutdown: S.LAST_ACK, delete: S.CLOSED },
  [S.CLOSING]: { finAcked: S.TIME_WAIT, delete: S.CLOSED },
  [S.LAST_ACK]: { finAcked: S.CLOSED, delete: S.CLOSED },
  [S.TIME_WAIT]: { delete: S.CLOSED },
};

/** Moves a connection to its next state. */
export function changeState(connection: { state: TcpState }, event: StateEvent): void {
  const next = TRANSITIONS[connection.state][event];
  assert(next !== undefined, 'a connection changes its state as RFC 9293 figure 5 says');
  connection.state = next;
}

/** True once the handshake is complete, up to the end of both directions. */
export function isSynchronized(state: TcpState): boolean {
  return state >= TcpState.ESTABLISHED;
}

/** True if data of the program may still be sent (§3.10.2). */
export function canSend(state: TcpState): boolean {
  return state === TcpState.ESTABLISHED || state === TcpState.CLOSE_WAIT;
}

/** True if data of the peer may still come (§3.10.7.4, seventh step). */
export function canReceive(state: TcpState): boolean {
  return state === TcpState.ESTABLISHED || state === TcpState.FIN_WAIT_1 || state === TcpState.FIN_WAIT_2;
}
