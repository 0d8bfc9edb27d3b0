/** The states of RFC 9293 §3.3.2, with lwIP's numbers (`tcpbase.h`). */
export const TcpState = {
  CLOSED: 0,
  LISTEN: 1,
  SYN_SENT: 2,
  SYN_RCVD: 3,
  ESTABLISHED: 4,
  FIN_WAIT_1: 5,
  FIN_WAIT_2: 6,
  CLOSE_WAIT: 7,
  CLOSING: 8,
  LAST_ACK: 9,
  TIME_WAIT: 10,
} as const;

export type TcpState = (typeof TcpState)[keyof typeof TcpState];

const NAMES: Readonly<Record<TcpState, string>> = {
  [TcpState.CLOSED]: 'Closed',
  [TcpState.LISTEN]: 'Listen',
  [TcpState.SYN_SENT]: 'SYN Sent',
  [TcpState.SYN_RCVD]: 'SYN Received',
  [TcpState.ESTABLISHED]: 'Established',
  [TcpState.FIN_WAIT_1]: 'FIN Wait 1',
  [TcpState.FIN_WAIT_2]: 'FIN Wait 2',
  [TcpState.CLOSE_WAIT]: 'Close Wait',
  [TcpState.CLOSING]: 'Closing',
  [TcpState.LAST_ACK]: 'Last ACK',
  [TcpState.TIME_WAIT]: 'Time Wait',
};

/** Returns the state in words. */
export function stateName(state: TcpState): string {
  return NAMES[state];
}
