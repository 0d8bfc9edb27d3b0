/**
 * The life of a connection on the operating system's TCP, as the stack sees it: named phases, and one table
 * of what each event does in each of them. A phase says three things: how far our FIN is, if the peer's FIN
 * has come, and if the program has closed the connection, so that received data is dropped.
 *
 *     open ──shutdown──▶ finAsked ──finSent──▶ finSent            (receiving continues)
 *       └───close─────▶ closing ──finSent──▶ closed               (received data is dropped)
 *
 * Each of these has a twin for the time after the peer's FIN. From every phase a fault leads to `failed`,
 * whose event is on its way, and the end to `over`.
 */
import { TcpState } from '../../port/tcp-state.js';

export const Phase = {
  OPEN: 0,
  PEER_ENDED: 1,
  /** Our FIN waits: for bytes before it, and for the turn to be over. */
  FIN_ASKED: 2,
  FIN_ASKED_PEER_ENDED: 3,
  FIN_SENT: 4,
  FIN_SENT_PEER_ENDED: 5,
  CLOSING: 6,
  CLOSING_PEER_ENDED: 7,
  /** Closed by the program, and our FIN is sent: acknowledgements are waited for. */
  CLOSED: 8,
  CLOSED_PEER_ENDED: 9,
  /** The stack knows the fault that ended the connection, and has not reported it yet. */
  FAILED: 10,
  OVER: 11,
} as const;

export type Phase = (typeof Phase)[keyof typeof Phase];

export type PhaseEvent = 'shutdown' | 'close' | 'finSent' | 'peerEnded' | 'fault' | 'end';

interface Row {
  /** State shown to the program, unless the system reports a more exact one. */
  readonly state: TcpState;
  readonly on: Readonly<Partial<Record<PhaseEvent, Phase>>>;
}

const { FAILED, OVER } = Phase;

const ALL_PHASES = Object.values(Phase);

/** An event that a row leaves out changes nothing in that phase. */
export const PHASES: Readonly<Record<Phase, Row>> = {
  [Phase.OPEN]: {
    state: TcpState.ESTABLISHED,
    on: {
      shutdown: Phase.FIN_ASKED,
      close: Phase.CLOSING,
      peerEnded: Phase.PEER_ENDED,
      fault: FAILED,
      end: OVER,
    },
  },
  [Phase.PEER_ENDED]: {
    state: TcpState.CLOSE_WAIT,
    on: { shutdown: Phase.FIN_ASKED_PEER_ENDED, close: Phase.CLOSING_PEER_ENDED, fault: FAILED, end: OVER },
  },
  [Phase.FIN_ASKED]: {
    state: TcpState.FIN_WAIT_1,
    on: {
      close: Phase.CLOSING,
      finSent: Phase.FIN_SENT,
      peerEnded: Phase.FIN_ASKED_PEER_ENDED,
      fault: FAILED,
      end: OVER,
    },
  },
  [Phase.FIN_ASKED_PEER_ENDED]: {
    state: TcpState.LAST_ACK,
    on: { close: Phase.CLOSING_PEER_ENDED, finSent: Phase.FIN_SENT_PEER_ENDED, fault: FAILED, end: OVER },
  },
  [Phase.FIN_SENT]: {
    state: TcpState.FIN_WAIT_2,
    on: { close: Phase.CLOSED, peerEnded: Phase.FIN_SENT_PEER_ENDED, fault: FAILED, end: OVER },
  },
  [Phase.FIN_SENT_PEER_ENDED]: {
    state: TcpState.LAST_ACK,
    on: { close: Phase.CLOSED_PEER_ENDED, fault: FAILED, end: OVER },
  },
  [Phase.CLOSING]: {
    state: TcpState.FIN_WAIT_1,
    on: { finSent: Phase.CLOSED, peerEnded: Phase.CLOSING_PEER_ENDED, fault: FAILED, end: OVER },
  },
  [Phase.CLOSING_PEER_ENDED]: {
    state: TcpState.LAST_ACK,
    on: { finSent: Phase.CLOSED_PEER_ENDED, fault: FAILED, end: OVER },
  },
  [Phase.CLOSED]: {
    state: TcpState.FIN_WAIT_2,
    on: { peerEnded: Phase.CLOSED_PEER_ENDED, fault: FAILED, end: OVER },
  },
  [Phase.CLOSED_PEER_ENDED]: { state: TcpState.LAST_ACK, on: { fault: FAILED, end: OVER } },
  [Phase.FAILED]: { state: TcpState.CLOSED, on: { end: OVER } },
  [Phase.OVER]: { state: TcpState.CLOSED, on: {} },
};

/** Returns the phase that follows; the same phase if the event changes nothing. */
export function phaseAfter(phase: Phase, event: PhaseEvent): Phase {
  return PHASES[phase].on[event] ?? phase;
}

/** Returns a phase's twin from before the peer's FIN; the phase itself if there is none. */
export function beforePeerEnded(phase: Phase): Phase {
  const before = ALL_PHASES.find((one) => phaseAfter(one, 'peerEnded') === phase);
  return before ?? phase;
}

/** Returns true if bytes can be enqueued. */
export function canSend(phase: Phase): boolean {
  return phase <= Phase.PEER_ENDED;
}

/** Returns true if the connection is over for its user, reported or not. */
export function isGone(phase: Phase): boolean {
  return phase >= Phase.FAILED;
}

/** Returns true if the peer's FIN has come; of a connection that is gone, false. */
export function hasPeerEnded(phase: Phase): boolean {
  return phase % 2 === 1 && phase < Phase.FAILED;
}

/** Returns true if our FIN is asked for and has not been sent. */
export function isFinDue(phase: Phase): boolean {
  return isOneOf(phase, Phase.FIN_ASKED, Phase.CLOSING);
}

/** Returns true if our FIN has been sent. */
export function isFinSent(phase: Phase): boolean {
  return isOneOf(phase, Phase.FIN_SENT, Phase.CLOSED);
}

/** Returns true if the program has closed the connection: received data is dropped. */
export function isClosed(phase: Phase): boolean {
  return phase >= Phase.CLOSING && phase < Phase.FAILED;
}

/** Returns true if the phase is one of two, or the twin of one after the peer's FIN. */
function isOneOf(phase: Phase, first: Phase, second: Phase): boolean {
  return phase - first === 0 || phase - first === 1 || phase - second === 0 || phase - second === 1;
}
