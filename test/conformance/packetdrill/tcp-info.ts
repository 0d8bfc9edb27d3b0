/**
 * Linux's struct tcp_info from the figures of the raw API, and the constants that scripts compare them with.
 */
import type { TcpInfo, TcpSocket } from '#src/netstack/raw-api.js';
import { TcpState } from '#src/netstack/tcp/state.js';

/** Linux's numbers of the states. */
const STATES: Readonly<Record<keyof typeof TcpState, number>> = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECEIVED: 3,
  FIN_WAIT_1: 4,
  FIN_WAIT_2: 5,
  TIME_WAIT: 6,
  CLOSED: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
};

const RECOVERY: Readonly<Record<TcpInfo['recovery'], number>> = {
  open: 0,
  disorder: 1,
  recovery: 3,
  loss: 4,
};

const CONSTANTS: Readonly<Record<string, number>> = {
  TCP_CA_Open: 0,
  TCP_CA_Disorder: 1,
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: 3,
  TCP_CA_Loss: 4,
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCPI_OPT_TIMESTAMPS: 1,
  TCPI_OPT_SACK: 2,
  TCPI_OPT_WSCALE: 4,
};

/** Linux has this threshold as long as there is none. */
const NO_THRESHOLD = 0x7fff_ffff;

function stateOf(state: TcpState): number {
  const entry = Object.entries(TcpState).find(([, number]) => number === state);
  return Object.entries(STATES).find(([name]) => name === entry?.[0])?.[1] ?? 0;
}

function optionsOf(info: TcpInfo): number {
  return (info.hasTimestamps ? 1 : 0) | (info.hasSack ? 2 : 0) | (info.sendScale === undefined ? 0 : 4);
}

const MICROSECONDS = 1000;

const FIGURES: Readonly<Record<string, (info: TcpInfo, socket: TcpSocket) => number>> = {
  tcpi_state: (info) => stateOf(info.state),
  tcpi_ca_state: (info) => RECOVERY[info.recovery],
  tcpi_options: optionsOf,
  tcpi_rto: (info) => info.rtoMs * MICROSECONDS,
  tcpi_rtt: (info) => (info.smoothedRttMs ?? 0) * MICROSECONDS,
  tcpi_rttvar: (info) => (info.rttVariationMs ?? 0) * MICROSECONDS,
  tcpi_snd_mss: (_, socket) => socket.sendMss,
  tcpi_snd_cwnd: (info, socket) => Math.floor(info.congestionWindowBytes / socket.sendMss),
  tcpi_snd_ssthresh: (info, socket) =>
    info.slowStartThresholdBytes >= 2 ** 30
      ? NO_THRESHOLD
      : Math.floor(info.slowStartThresholdBytes / socket.sendMss),
  tcpi_unacked: (info) =>
    info.segmentsInFlight + info.sackedSegments + info.lostSegments - info.retransmittedSegments,
  tcpi_sacked: (info) => info.sackedSegments,
  tcpi_lost: (info) => info.lostSegments,
  tcpi_retrans: (info) => info.retransmittedSegments,
  tcpi_total_retrans: (info) => info.totalRetransmissions,
  tcpi_retransmits: (info) => info.unansweredRetransmissions,
  tcpi_snd_wnd: (info) => info.peerWindowBytes,
  tcpi_rcv_wnd: (info) => info.advertisedWindowBytes,
};

/** Returns the value of a name in the Python of a script; `undefined` for figures that only Linux keeps. */
export function figureOf(name: string, socket: TcpSocket | undefined): number | undefined {
  const constant = CONSTANTS[name];
  if (constant !== undefined) return constant;
  return socket === undefined ? undefined : FIGURES[name]?.(socket.info(), socket);
}
