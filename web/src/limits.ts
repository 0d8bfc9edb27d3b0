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
  /**
   * Bytes of bodies that are held in memory for all requests together: 503, with `Retry-After`; 413 for a
   * body that is larger alone.
   */
  readonly heldBytes: number;
  /** Bytes of a body that is passed on as it comes, such as an upload: 413. */
  readonly uploadBytes: number;
  /** Number of parameters of a query, and of a form with its files: 400 and 413. */
  readonly params: number;
  /** Time for all headers, from the first byte or from the last answer, in milliseconds: 408. */
  readonly headersMs: number;
  /** Time for headers and body, in milliseconds: 408. */
  readonly requestMs: number;
  /**
   * Time for a handler to answer, from when the whole body has come, and for each value of a template, in
   * milliseconds: 503.
   */
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
  /**
   * Requests at once that have no answer yet, without those whose body is being read: 503, with
   * `Retry-After`, at once or when the body has come.
   */
  readonly requests: number;
  /** Requests that wait on one connection for the answers to others before them: 503, with `Retry-After`. */
  readonly pipelined: number;
  /** Seconds that `Retry-After` says. */
  readonly retryAfterS: number;
  /**
   * Bytes of messages that wait for all WebSockets and event streams together, without the first 16 KiB, or
   * the only message, of each client: the queue's policy.
   */
  readonly queuedBytes: number;
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
  heldBytes: 67_108_864,
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
  pipelined: 10,
  retryAfterS: 1,
  nonceMs: 300_000,
  nonces: 10_000,
  rateClients: 10_000,
  queuedBytes: 67_108_864,
};

/** Bounds of what waits for one client, in its queue or in its socket, until the system has taken it. */
export interface QueueLimits {
  /** Messages: the queue's policy. */
  readonly queueMessages: number;
  /** Bytes of the messages: the queue's policy. */
  readonly queueBytes: number;
}

export interface WebSocketLimits extends QueueLimits {
  /** Clients at once: 503, with `Retry-After`. */
  readonly clients: number;
  /** Bytes of a message that a client sends, of which the server keeps what has come: 1009. */
  readonly messageBytes: number;
  /** Frames of such a message: 1008. */
  readonly messageFrames: number;
  /** Pieces in which a frame comes, as the socket reads them: 1008. */
  readonly framePieces: number;
  /** Time without a byte from a client after which it is sent a ping, in milliseconds. */
  readonly pingMs: number;
  /** Time without a byte from a client, the answer to a ping included, in milliseconds: 1008. */
  readonly idleMs: number;
  /** Time for a client to take what waits for it and to answer a close, in milliseconds: the end. */
  readonly closeMs: number;
}

export const DEFAULT_WEB_SOCKET_LIMITS: WebSocketLimits = {
  queueMessages: 64,
  queueBytes: 1_048_576,
  clients: 10_000,
  messageBytes: 65_536,
  messageFrames: 1024,
  framePieces: 4096,
  pingMs: 20_000,
  idleMs: 60_000,
  closeMs: 5000,
};

export interface EventSourceLimits extends QueueLimits {
  /** Clients at once: 503, with `Retry-After`. */
  readonly clients: number;
  /** Events that are kept for clients that come back: older ones are forgotten. */
  readonly replayEvents: number;
  /** Bytes of the events that are kept, at most `queueBytes`: older ones are forgotten. */
  readonly replayBytes: number;
  /** Time between the comments that keep a connection open, in milliseconds. */
  readonly heartbeatMs: number;
}

export const DEFAULT_EVENT_SOURCE_LIMITS: EventSourceLimits = {
  queueMessages: 64,
  queueBytes: 262_144,
  clients: 10_000,
  replayEvents: 128,
  replayBytes: 131_072,
  heartbeatMs: 15_000,
};

/** The bounds of a folder's cache: a file beyond them is read for each request. */
export interface FolderLimits {
  /** Bytes that the cache holds; 0: there is none. */
  readonly cacheBytes: number;
  /** Bytes of the largest file that the cache holds. */
  readonly cachedFileBytes: number;
  /** Time for which a file is sent before it is looked at again, in milliseconds. */
  readonly cacheMs: number;
}

export const DEFAULT_FOLDER_LIMITS: FolderLimits = {
  cacheBytes: 16_777_216,
  cachedFileBytes: 262_144,
  cacheMs: 1000,
};

/**
 * Returns all limits.
 * @throws RangeError for a limit that is no positive number.
 */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  return checkedLimits(DEFAULT_LIMITS, given);
}

/**
 * Returns all limits of a folder. That of its cache may be 0.
 * @throws RangeError for a limit that is no positive number.
 */
export function folderLimitsOf(given: Partial<FolderLimits> = {}): FolderLimits {
  return checkedLimits(DEFAULT_FOLDER_LIMITS, given, ['cacheBytes']);
}

/**
 * Returns limits with `defaults` for those that are not given.
 * @param mayBeZero names of the limits that may be 0.
 * @throws RangeError for a limit that is no positive number.
 */
export function checkedLimits<L extends object>(
  defaults: L,
  given: Partial<L> = {},
  mayBeZero: readonly string[] = [],
): L {
  const limits = { ...defaults, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in defaults)) throw new RangeError(`${name} is no limit`);
    if (value === 0 && mayBeZero.includes(name)) continue;
    if (!(typeof value === 'number' && value > 0))
      throw new RangeError(`${name} must be above 0; it is ${String(value)}`);
  }
  return limits;
}
