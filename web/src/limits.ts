/** The bounds of a server, and what a client that exceeds one is answered. */

export interface Limits {
  /** Bytes of the request line and all headers: 431. Bytes of the headers of a part of a form: 400. */
  readonly headerBytes: number;
  /** Number of headers: 431. Number of headers of a part of a form: 400. */
  readonly headers: number;
  /** Bytes of the URL: 414. */
  readonly urlBytes: number;
  /** Bytes of a body that is held in memory, such as a form's or JSON: 413. */
  readonly bodyBytes: number;
  /** Bytes of a body that is passed on as it comes, such as an upload: 413. */
  readonly uploadBytes: number;
  /** Number of parameters of a query, and of a form with its files: 400 and 413. */
  readonly params: number;
  /** Time for all headers, from the first byte or from the last answer, in milliseconds: 408. */
  readonly headersMs: number;
  /** Time for headers and body, in milliseconds: 408. */
  readonly requestMs: number;
  /** Time for a handler to answer, from when the body has been read, in milliseconds: 503. */
  readonly answerMs: number;
  /** Time for which a client may take none of the bytes that wait for it, in milliseconds: it is closed. */
  readonly stalledMs: number;
  /** Time for which a connection without a request stays open, in milliseconds. */
  readonly keepAliveMs: number;
  /** Bytes that are dropped of a request that was answered before its end: then the connection is closed. */
  readonly dropBytes: number;
  /** Time for which such bytes are dropped, in milliseconds: then the connection is closed. */
  readonly dropMs: number;
  /** Connections at once: further ones are closed. */
  readonly connections: number;
  /** Requests at once: 503, with `Retry-After`. */
  readonly requests: number;
  /** Seconds that `Retry-After` says. */
  readonly retryAfterS: number;
  /** Time for which a nonce of digest authentication is good, in milliseconds: 401, with `stale=true`. */
  readonly nonceMs: number;
  /** Nonces in use at once: the oldest is no longer good, 401 with `stale=true`. */
  readonly nonces: number;
  /** Clients that a rate limit remembers: the one that was quiet longest is forgotten. */
  readonly rateClients: number;
}

export const DEFAULT_LIMITS: Limits = {
  headerBytes: 16_384,
  headers: 100,
  urlBytes: 8192,
  bodyBytes: 1_048_576,
  uploadBytes: 1_073_741_824,
  params: 1000,
  headersMs: 10_000,
  requestMs: 300_000,
  answerMs: 60_000,
  stalledMs: 30_000,
  keepAliveMs: 5000,
  dropBytes: 67_108_864,
  dropMs: 5000,
  connections: 10_000,
  requests: 1000,
  retryAfterS: 1,
  nonceMs: 300_000,
  nonces: 10_000,
  rateClients: 10_000,
};

/**
 * Returns all limits.
 * @throws RangeError for a limit that is no positive number.
 */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in DEFAULT_LIMITS)) throw new RangeError(`${name} is no limit`);
    if (!(typeof value === 'number' && value > 0))
      throw new RangeError(`${name} must be above 0; it is ${String(value)}`);
  }
  return limits;
}
