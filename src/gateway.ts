/**
 * The door `asynctcp/gateway`: parts of programs that run for months between two networks. The first import
 * makes the stacks known.
 */
import './composition.js';

export {
  LinkKeeper,
  type DownHandler,
  type GiveUpHandler,
  type LinkStatistics,
  type RetryHandler,
  type UpHandler,
} from './gateway/link-keeper.js';
export type { BackoffOptions, LinkEndOptions, LinkOptions } from './gateway/link-options.js';
export { pipe, type PipeOptions, type PipeResult } from './gateway/pipe.js';
export { linkReports, type LinkFailure, type LinkReport, type LinkState } from './gateway/link-report.js';
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
