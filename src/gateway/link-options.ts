/** Options of a link that stays up, and their checks. */
import type { ClientOptions, ConnectOptions } from '../asynctcp/async-client.js';
import {
  checkHandler,
  checkHost,
  checkInteger,
  checkNumber,
  checkObject,
  checkOptions,
  checkSignal,
  checkWithin,
  MAX_TIMEOUT_S,
  show,
} from '../asynctcp/check.js';
import { checkDefaults } from '../asynctcp/server-options.js';
import { systemRandom, type Random } from '../support/random.js';
import type { BackoffSettings } from './link-backoff.js';

/** The longest time that an option takes, in milliseconds: one day. */
const MAX_MS = MAX_TIMEOUT_S * 1000;
/**
 * The shortest `ackTimeoutMs`, in milliseconds. Linux probes a closed window after 200, 600 and 1400 ms, at
 * the earliest, and a slow peer must have been heard by then, also if one answer is missing.
 */
export const MIN_ACK_TIMEOUT_MS = 1000;
/** Most characters of a link's name. */
export const MAX_NAME_LENGTH = 100;
/** Largest factor between the delays of two attempts. */
export const MAX_FACTOR = 100;

/** Delays between attempts. */
export interface BackoffOptions {
  /** Longest delay after the first failure, 1 to 86400000 ms. Default 500. */
  firstMs?: number;
  /** Factor by which each further failure in a row makes the longest delay longer, 1 to 100. Default 2. */
  factor?: number;
  /** Bound of the longest delay, `firstMs` to 86400000 ms. Default 30000, or `firstMs` if that is more. */
  capMs?: number;
  /**
   * `full` (default): the delay is any time up to the longest one, so that the clients of a restarted server
   * do not return all at once. `none`: the delay is the longest one.
   */
  jitter?: 'full' | 'none';
}

/** Options of a `LinkKeeper`. */
export interface LinkOptions extends ClientOptions, Omit<ConnectOptions, 'timeoutMs' | 'signal'> {
  /** Name of the link in reports, 1 to 100 characters. Default: `host:port`. */
  name?: string;
  /** Milliseconds of one attempt, the look-up of the name included, 1 to 86400000. Default 10000. */
  connectTimeoutMs?: number;
  /** As `AsyncClient.setRxTimeout`: seconds without data or acknowledgement. Default 0: off. */
  rxTimeoutS?: number;
  /**
   * Milliseconds within which a peer that is gone is noticed while bytes are in flight: none is acknowledged,
   * and the peer's TCP is silent. At most an eighth too early. Needs a stack that knows when it heard of the
   * peer: `node` does not. 1000 to 86400000, several round trips; 0: off. Default 10000.
   */
  ackTimeoutMs?: number;
  /**
   * Milliseconds within which a peer that does not read is noticed: bytes are in flight, and none of them is
   * acknowledged, although the peer's TCP may answer. At most an eighth too early. A peer that reads little
   * by little is no such peer. 0: off. Default 60000.
   */
  stalledWriteMs?: number;
  /**
   * As `AsyncClient.setKeepAlive`: finds a peer that is gone while nothing is in flight, within `ms` times
   * `count` + 1. `ms` 0 is off; `count` is 9 if it is left out. Default `{ ms: 10000, count: 3 }`.
   */
  keepAlive?: { ms: number; count?: number };
  /** As `AsyncClient.setNoDelay`. Default false. */
  noDelay?: boolean;
  /** Delays between attempts. */
  backoff?: BackoffOptions;
  /**
   * Milliseconds for which a connection must be up until the failures before it are forgotten, 0 to 86400000:
   * a server that accepts and closes at once is tried ever more seldom. Default 10000.
   */
  stableAfterMs?: number;
  /** Failures in a row after which the link gives up, 1 and more. Default: never. */
  giveUpAfter?: number;
  /** Chance for the jitter: at least 0 and less than 1 at each call. Default `Math.random`. */
  random?: Random;
  /** Ends the link as `end({ client: 'abort' })`. */
  signal?: AbortSignal;
}

/** Options of a link's `end`. */
export interface LinkEndOptions {
  /**
   * Treatment of the link's client: `close` (default), `drain` and `abort` call that method; `leave` keeps
   * the client connected, and the program has it from then on.
   */
  client?: 'close' | 'drain' | 'abort' | 'leave';
  /**
   * Milliseconds until a client that has not ended is reset, 0 to 86400000. Default: no limit. Without effect
   * with `leave`.
   */
  withinMs?: number;
}

/** Checked options. */
export interface LinkSettings {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly client: ClientOptions;
  readonly connect: ConnectOptions;
  readonly connectTimeoutMs: number;
  readonly rxTimeoutS: number;
  readonly ackTimeoutMs: number;
  readonly stalledWriteMs: number;
  readonly keepAliveMs: number;
  readonly keepAliveProbes: number;
  readonly noDelay: boolean;
  readonly backoff: BackoffSettings;
  readonly stableAfterMs: number;
  /** Infinite: never. */
  readonly giveUpAfter: number;
  readonly random: Random;
  readonly signal: AbortSignal | undefined;
}

/** @throws TypeError, RangeError for arguments out of range. */
export function checkLink(host: string, port: number, options: LinkOptions): LinkSettings {
  checkHost('host', host);
  checkInteger('port', port, 1, 65_535);
  checkOptions(options);
  const { stack, require, receiveWindow, localAddress, localPort, reusePort, family } = options;
  const { connectTimeoutMs = 10_000, ackTimeoutMs = 10_000, stalledWriteMs = 60_000 } = options;
  const { stableAfterMs = 10_000, giveUpAfter } = options;
  const { keepAlive = { ms: 10_000, count: 3 }, noDelay = false, rxTimeoutS = 0 } = options;
  const { keepAliveMs = 0, keepAliveProbes = 1 } = checkDefaults({ keepAlive, noDelay, rxTimeoutS });
  const most = Number.MAX_SAFE_INTEGER;
  return {
    host,
    port,
    name: checkName(options.name ?? defaultName(host, port)),
    client: defined({ stack, require, receiveWindow }),
    connect: defined({ localAddress, localPort, reusePort, family }),
    connectTimeoutMs: checkNumber('connectTimeoutMs', connectTimeoutMs, 1, MAX_MS, ' ms'),
    rxTimeoutS,
    ackTimeoutMs: checkAckTimeout(ackTimeoutMs),
    stalledWriteMs: checkNumber('stalledWriteMs', stalledWriteMs, 0, MAX_MS, ' ms'),
    keepAliveMs,
    keepAliveProbes,
    noDelay,
    backoff: checkBackoff(options.backoff),
    stableAfterMs: checkNumber('stableAfterMs', stableAfterMs, 0, MAX_MS, ' ms'),
    giveUpAfter:
      giveUpAfter === undefined
        ? Number.POSITIVE_INFINITY
        : checkInteger('giveUpAfter', giveUpAfter, 1, most),
    random: checkHandler('random', options.random) ?? systemRandom,
    signal: checkSignal('signal', options.signal),
  };
}

function checkAckTimeout(ms: number): number {
  if (ms !== 0) checkNumber('ackTimeoutMs', ms, MIN_ACK_TIMEOUT_MS, MAX_MS, ' ms, or 0');
  return ms;
}

function defaultName(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`.slice(-MAX_NAME_LENGTH);
}

function checkName(name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(`name must be a string, not ${show(name)}`);
  if (name.length >= 1 && name.length <= MAX_NAME_LENGTH) return name;
  throw new RangeError(`name must have 1 to ${MAX_NAME_LENGTH} characters, not ${name.length}`);
}

/** Leaves out the options that are `undefined`. */
function defined<O extends object>(options: O): { [K in keyof O]: Exclude<O[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof O]: Exclude<O[K], undefined> };
}

function checkBackoff(backoff: BackoffOptions = {}): BackoffSettings {
  checkObject('backoff', backoff);
  const { firstMs = 500, factor = 2, jitter = 'full' } = backoff;
  checkNumber('backoff.firstMs', firstMs, 1, MAX_MS, ' ms');
  checkNumber('backoff.factor', factor, 1, MAX_FACTOR, '');
  const { capMs = Math.max(30_000, firstMs) } = backoff;
  checkNumber('backoff.capMs', capMs, firstMs, MAX_MS, ' ms');
  checkOneOf('backoff.jitter', jitter, ['full', 'none']);
  return { firstMs, factor, capMs, jitter };
}

const WAYS = ['close', 'drain', 'abort', 'leave'] as const;

/** @throws TypeError, RangeError for options out of range. */
export function checkLinkEnd(options: LinkEndOptions): {
  readonly client: (typeof WAYS)[number];
  readonly withinMs: number | undefined;
} {
  checkOptions(options);
  const { client = 'close' } = options;
  checkOneOf('client', client, WAYS);
  return { client, withinMs: checkWithin(options.withinMs) };
}

function checkOneOf<T>(name: string, value: T, allowed: readonly T[]): void {
  if (allowed.includes(value)) return;
  throw new RangeError(`${name} must be one of ${allowed.join(', ')}, not ${show(value)}`);
}
