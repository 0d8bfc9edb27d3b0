/** The handshake is complete, in whichever way it came about. */
import { TcpEvent } from '../raw-api.js';
import { shutdownWhenEstablished } from './close.js';
import type { TcpConnection } from './connection.js';
import { changeState } from './state.js';

export function established(c: TcpConnection): void {
  changeState(c, 'established');
  c.timers.endLife();
  c.timers.unanswered = 0;
  c.wasSynLost = c.retransmissions > 0;
  // Without a sample the timeout is that of a lost SYN from now on (RFC 6298 §5.7); lwIP goes on as it was.
  if (c.wasSynLost && c.host.profile.ticks === undefined) c.timers.backoffs = 0;
  c.retransmissions = 0;
  shutdownWhenEstablished(c);
  c.signal(TcpEvent.CONNECTED);
  c.listener?.established(c);
}
