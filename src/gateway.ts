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
export { linkReports, type LinkFailure, type LinkReport, type LinkState } from './gateway/link-report.js';
