/** What the page uses of asynctcp, from the modules that `npm run build` makes. */
export { AsyncClient } from '../../dist/asynctcp/async-client.js';
export { AsyncServer } from '../../dist/asynctcp/async-server.js';
export { PacketView, TcpFlag } from '../../dist/link/packet-view.js';
export { Network } from '../../dist/virtual.js';
