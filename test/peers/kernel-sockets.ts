/** What Linux says of the TCP sockets of this network namespace. */
import { readFileSync } from 'node:fs';

/** A line of /proc/net/tcp. */
export interface KernelSocket {
  readonly localPort: number;
  readonly remotePort: number;
  /** Linux's name of the state. */
  readonly state: string;
  /** Bytes that were sent, or wait to be, and that the peer did not acknowledge. */
  readonly unacknowledged: number;
  /** Bytes that have arrived and were not read; of a listener, connections that were not accepted. */
  readonly unread: number;
  readonly timer: 'none' | 'retransmission' | 'keepalive' | 'time-wait' | 'probe';
  /** Times in a row that something was sent again in vain. */
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

/** Every TCP socket of this network namespace that has this port at one of its ends. */
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

/** The one end of a connection, with these ports and not closed yet. */
export function kernelEnd(localPort: number, remotePort: number): KernelSocket {
  const ends = kernelSockets(localPort).filter(
    (socket) => socket.localPort === localPort && socket.remotePort === remotePort,
  );
  const [end] = ends;
  if (end === undefined) throw new Error(`the kernel has no connection from ${localPort} to ${remotePort}`);
  return end;
}
