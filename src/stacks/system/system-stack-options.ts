/** Options of a stack on the operating system's TCP. */
import type { Lookup } from '../../port/lookup.js';
import type { StackLimits } from '../../port/tcp-stack.js';
import type { Clock } from '../../support/clock.js';

export type { Lookup } from '../../port/lookup.js';

export interface SystemStackOptions {
  /**
   * Bytes that one connection takes from `add` before any is acknowledged (on `node`: taken by the kernel).
   * Default 131072 on `node`, 4194304 on `kernel`.
   */
  sendBufferBytes?: number | undefined;
  /** Bytes that one connection delivers before any is acknowledged with `ack`. Default 131072. */
  receiveWindowBytes?: number | undefined;
  /**
   * Milliseconds without any new acknowledgement after which a connection that closes is reset, 100 to
   * 3600000. Default 30000.
   */
  closeTimeoutMs?: number | undefined;
  /**
   * Bytes that all connections of a thread may have unacknowledged together, 1048576 to 2^40. Default
   * 268435456.
   */
  sendBudgetBytes?: number | undefined;
  /** Connections at once. Default: the system's own limit. */
  maxActiveTcp?: number | undefined;
  /** Clock of timeouts and polls. Default: the machine's. */
  clock?: Clock | undefined;
  /** Resolves names to addresses. Default: the system's resolver (`getaddrinfo`). */
  lookup?: Lookup | undefined;
}

/** Options of `nodeStack`. */
export type NodeStackOptions = SystemStackOptions;
/** Options of `kernelStack`. */
export type KernelStackOptions = SystemStackOptions;

const USUAL_CLOSE_TIMEOUT_MS = 30_000;
const USUAL_SEND_BUDGET_BYTES = 268_435_456;

/**
 * Configuration symbols on which both stacks act. The operating system's TCP does not let the others be set:
 * segment size, segment lifetime, numbers of retransmissions.
 */
export const HONOURED_SYMBOLS = [
  'CONFIG_LWIP_MAX_ACTIVE_TCP',
  'CONFIG_LWIP_TCP_SND_BUF_DEFAULT',
  'CONFIG_LWIP_TCP_WND_DEFAULT',
  'CONFIG_ASYNC_TCP_CLOSE_TIMEOUT',
  'CONFIG_ASYNC_TCP_SND_BUDGET',
] as const;

/** Returns the limits that the options give, over the stack's own. */
export function limitsOf(
  options: SystemStackOptions,
  own: { readonly sendBufferBytes: number; readonly receiveWindowBytes: number },
): StackLimits {
  return {
    maxActiveTcp: options.maxActiveTcp,
    sendBufferBytes: options.sendBufferBytes ?? own.sendBufferBytes,
    receiveWindowBytes: options.receiveWindowBytes ?? own.receiveWindowBytes,
    closeTimeoutMs: options.closeTimeoutMs ?? USUAL_CLOSE_TIMEOUT_MS,
    sendBudgetBytes: options.sendBudgetBytes ?? USUAL_SEND_BUDGET_BYTES,
  };
}
