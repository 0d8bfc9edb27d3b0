/** State that all connections of a kernel stack share. */
import type { StackLimits } from '../../port/tcp-stack.js';
import type { ClosingContext } from '../system/closing.js';
import type { LingerContext } from './lingering-socket.js';
import type { SendingContext } from './outbox.js';

export interface ConnectionContext extends LingerContext, ClosingContext, SendingContext {
  readonly limits: StackLimits;
  /** True if withholding closes the window byte by byte. */
  readonly isExact: boolean;
}
