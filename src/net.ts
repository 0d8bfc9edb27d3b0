/** The door `asynctcp/net`: node:net's API on AsyncClient and AsyncServer. */
import './composition.js';
import net from 'node:net';
import { toDuplex } from './net/duplex.js';
import * as servers from './net/server.js';
import * as sockets from './net/socket.js';

export {
  BlockList,
  SocketAddress,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  isIPv4,
  isIPv6,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from 'node:net';
export type { AddressInfo, DropArgument, ListenOptions, LookupFunction, OnReadOpts } from 'node:net';
export { toDuplex, type ToDuplexOptions } from './net/duplex.js';
export type { CarryOptions } from './net/listening.js';
export * from './net/server.js';
export * from './net/socket.js';

/** All names in one object, as `node:net` has them. */
export default { ...net, ...sockets, ...servers, toDuplex };
