/** Options of a server that concern its clients: their initial settings, and how `end` treats them. */
import type { AcceptedSettings } from './client-settings.js';
import {
  checkBoolean,
  checkInteger,
  checkNumber,
  checkObject,
  checkOptions,
  checkWithin,
  MAX_KEEP_ALIVE_MS,
  MAX_KEEP_ALIVE_PROBES,
  MAX_TIMEOUT_S,
  show,
} from './check.js';

/** Initial settings of accepted clients, as the client's setters take them. */
export interface ClientDefaults {
  /** As `setNoDelay`. */
  noDelay?: boolean;
  /** As `setKeepAlive`: `ms` 0 is off; `count` is 9 by default. */
  keepAlive?: { ms: number; count?: number };
  /** As `setAckTimeout`, in milliseconds. */
  ackTimeoutMs?: number;
  /** As `setRxTimeout`, in seconds. */
  rxTimeoutS?: number;
}

/** Options of a server's `end`. */
export interface ServerEndOptions {
  /**
   * Treatment of the server's clients: `leave` (default) keeps them connected; `close`, `drain` and `abort`
   * call that method of each client.
   */
  clients?: 'leave' | 'close' | 'drain' | 'abort';
  /**
   * Milliseconds until the clients that have not ended are reset, with `ERR_TIMEOUT`. Default: no limit.
   * Without effect with `leave`.
   */
  withinMs?: number;
}

const WAYS = ['leave', 'close', 'drain', 'abort'] as const;
type Way = (typeof WAYS)[number];

export function checkEnd(options: ServerEndOptions): { clients: Way; withinMs: number | undefined } {
  checkOptions(options);
  const { clients = 'leave' } = options;
  if (!WAYS.includes(clients)) {
    throw new RangeError(`clients must be one of ${WAYS.join(', ')}, not ${show(clients)}`);
  }
  return { clients, withinMs: checkWithin(options.withinMs) };
}

/** Checks settings and returns them under the names of `AcceptedSettings`. */
export function checkDefaults(given: ClientDefaults): Partial<AcceptedSettings> {
  checkOptions(given);
  const { noDelay, keepAlive, ackTimeoutMs, rxTimeoutS } = given;
  return {
    ...(noDelay !== undefined && { noDelay: checkBoolean('noDelay', noDelay) }),
    ...(keepAlive !== undefined && checkKeepAlive(keepAlive)),
    ...(ackTimeoutMs !== undefined && {
      ackTimeoutMs: checkNumber('ackTimeoutMs', ackTimeoutMs, 0, MAX_TIMEOUT_S * 1000, ' ms'),
    }),
    ...(rxTimeoutS !== undefined && {
      rxTimeoutS: checkNumber('rxTimeoutS', rxTimeoutS, 0, MAX_TIMEOUT_S, ' s'),
    }),
  };
}

function checkKeepAlive(keepAlive: { ms: number; count?: number }): Partial<AcceptedSettings> {
  checkObject('keepAlive', keepAlive);
  return {
    keepAliveMs: checkInteger('keepAlive.ms', keepAlive.ms, 0, MAX_KEEP_ALIVE_MS, ' ms'),
    keepAliveProbes: checkInteger('keepAlive.count', keepAlive.count ?? 9, 1, MAX_KEEP_ALIVE_PROBES),
  };
}
