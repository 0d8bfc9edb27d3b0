/**
 * What the page uses of asynctcp: the door `asynctcp/virtual`, of which every module runs in a browser, as
 * `npm run build` makes it.
 */
export { AsyncClient, AsyncServer, Network, PacketView, TcpFlag } from '../../dist/virtual.js';
