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
  c.retransmissions = 0;
  shutdownWhenEstablished(c);
  c.signal(TcpEvent.CONNECTED);
  c.listener?.established(c);
}
