/** The TCP sockets of this network namespace, from Linux's /proc. */
import { readFileSync } from 'node:fs';

/** A line of /proc/net/tcp. */
export interface KernelSocket {
  readonly localPort: number;
  readonly remotePort: number;
  /** Linux's name for the state. */
  readonly state: string;
  /** Bytes in the send queue, sent or not, that the peer has not acknowledged. */
  readonly unacknowledged: number;
  /** Bytes in the receive queue; of a listener, connections that were not accepted yet. */
  readonly unread: number;
  readonly timer: 'none' | 'retransmission' | 'keepalive' | 'time-wait' | 'probe';
  /** Retransmissions and probes in a row without an answer. */
  readonly retries: number;
}

const STATES = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
];
const TIMERS = ['none', 'retransmission', 'keepalive', 'time-wait', 'probe'] as const;

function readLine(line: string): KernelSocket {
  const [, local = '', remote = '', state = '', queues = '', timer = '', retries] = line.trim().split(/\s+/);
  const hex = (text: string | undefined): number => Number.parseInt(text ?? '', 16);
  const [unacknowledged, unread] = queues.split(':').map(hex);
  return {
    localPort: hex(local.split(':').at(-1)),
    remotePort: hex(remote.split(':').at(-1)),
    state: STATES[hex(state)] ?? state,
    unacknowledged: unacknowledged ?? 0,
    unread: unread ?? 0,
    timer: TIMERS[hex(timer.split(':')[0])] ?? 'none',
    retries: hex(retries),
  };
}

/** Returns every TCP socket of this network namespace with this local or remote port. */
export function kernelSockets(port: number): KernelSocket[] {
  return ['tcp', 'tcp6']
    .flatMap((table) => {
      try {
        return readFileSync(`/proc/self/net/${table}`, 'utf8').trim().split('\n').slice(1);
      } catch {
        return []; // A machine without IPv6.
      }
    })
    .map(readLine)
    .filter(({ localPort, remotePort }) => localPort === port || remotePort === port);
}

/** Returns the socket of a connection with these ports. */
export function kernelEnd(localPort: number, remotePort: number): KernelSocket {
  const ends = kernelSockets(localPort).filter(
    (socket) => socket.localPort === localPort && socket.remotePort === remotePort,
  );
  const [end] = ends;
  if (end === undefined) throw new Error(`the kernel has no connection from ${localPort} to ${remotePort}`);
  return end;
}
