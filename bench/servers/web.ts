// The servers and clients of the web. Arguments: the mode, and possibly `explicit`.

import { ASK, OUTGOING_MODES, type OutgoingMode, valueIn, WEB_MODES, type WebMode } from '../protocol.js';
import { announce, askedMode, fault } from './child.js';

type AnyMode = WebMode | OutgoingMode;

const mode = askedMode<AnyMode>([...WEB_MODES, ...OUTGOING_MODES]);
const isOutgoing = (one: AnyMode): one is OutgoingMode => OUTGOING_MODES.some((name) => name === one);

if (isOutgoing(mode)) {
  const { ask } = await import('./web-clients.js');
  announce(0, (line) => {
    const port = valueIn(line, ASK) ?? fault(`not understood: ${line}`);
    ask(mode, port).catch((error: unknown) => fault(`a request failed: ${String(error)}`));
  });
} else {
  const { serve } = await import('./web-servers.js');
  announce(await serve(mode));
}
