/** What a server is told about its clients: the settings they begin with, and how they end with it. */
import type { AcceptedSettings } from './async-client.js';
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

/** Settings of accepted clients: as the client's setters take them. */
export interface ClientDefaults {
  /** As `setNoDelay`. */
  noDelay?: boolean;
  /** As `setKeepAlive`: `ms` 0 is off; `count` is 9 where it is left out. */
  keepAlive?: { ms: number; count?: number };
  /** As `setAckTimeout`, in milliseconds. */
  ackTimeoutMs?: number;
  /** As `setRxTimeout`, in seconds. */
  rxTimeoutS?: number;
}

/** How a server ends. */
export interface ServerEndOptions {
  /**
   * What becomes of its clients: `leave` (default) lets them go on, `close`, `drain` and `abort` do for each
   * what the client's method does.
   */
  clients?: 'leave' | 'close' | 'drain' | 'abort';
  /**
   * Milliseconds until the clients that have not ended are reset, with `ERR_TIMEOUT`. Default: as long as
   * they take. Without effect on clients that are left.
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

/** Returns what was given, in the words of the client's settings. */
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
