/** Lines about connections for the error of a run that is stuck. */
import type { TcpSocket } from '../netstack/raw-api.js';
import { TcpState } from '../netstack/tcp/state.js';

/** Returns the ends and the state of a connection, and the bytes that wait for something. */
export function showConnection(connection: TcpSocket): string {
  const { localAddress, localPort, remoteAddress, remotePort, state } = connection;
  const waits = [
    `${connection.unacknowledged()} bytes for an acknowledgement`,
    `${connection.readable()} bytes for the program`,
  ].filter((text) => !text.startsWith('0 '));
  const ends = `${localAddress.toString()}.${localPort} > ${remoteAddress.toString()}.${remotePort}`;
  return `${ends} ${nameOfState(state)}: ${waits.join(', ') || 'for the peer'}`;
}

function nameOfState(state: number): string {
  return Object.entries(TcpState).find(([, value]) => value === state)?.[0] ?? String(state);
}
