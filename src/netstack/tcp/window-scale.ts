/** The shift of window scaling that a connection offers (RFC 7323 §2.3). */
import type { TcpConnection } from './connection.js';

const MOST_UNSCALED = 0xffff;

/** Returns the shift to offer; `undefined`: none is offered. */
export function scaleToOffer(c: TcpConnection): number | undefined {
  const { windowScale } = c.host.profile;
  if (windowScale === undefined || !c.hasOwnWindow) return windowScale;
  // A small shift tells the window more exactly.
  let scale = 0;
  while (c.receiveWindowBytes >> scale > MOST_UNSCALED) scale += 1;
  return scale;
}
