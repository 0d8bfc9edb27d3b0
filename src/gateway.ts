/** The door `asynctcp/gateway`: parts of a gateway. The first import makes the stacks known. */
import './composition.js';

export type { ProxyFigures, ProxyRefusal, RefusalReason } from './gateway/proxy-counts.js';
export { ProxyTlvType, type ProxyHeader, type ProxyTlv } from './gateway/proxy-header.js';
export {
  proxyInfo,
  proxyProtocol,
  type ProxyInfo,
  type ProxyProtocol,
  type ProxyProtocolOptions,
} from './gateway/proxy-protocol.js';
export { proxyTlvs } from './gateway/proxy-v2.js';
export {
  proxyHeader,
  writeProxyHeader,
  type PassOnOptions,
  type ProxyHeaderOptions,
} from './gateway/proxy-writer.js';
