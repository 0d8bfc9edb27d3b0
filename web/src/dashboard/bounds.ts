/** The bounds of a dashboard: none of its answers grows with the number of connections. */

/** Connections of each of the page's tables, and of an answer to a filter. */
export const TABLE_ROWS = 50;

/** Connections of `snapshot.json`; the totals say how many there are. */
export const JSON_CONNECTIONS = 1000;

/** Events that the page gets when it comes. The monitor may keep more. */
export const PAGE_EVENTS = 200;

/** Listeners, links, causes of errors, handlers and bites that the page gets, of each kind. */
export const PAGE_ROWS = 100;

/** Series of one metric: values of its labels beyond them are left out, and counted. */
export const METRIC_SERIES = 100;

/** Characters of a filter: 400. */
export const FILTER_CHARS = 100;

/** Fewest characters of a token. */
export const TOKEN_CHARS = 16;

/** Pages that follow at once: 503. */
export const PAGES = 32;

/** Bytes that wait for one page: it is cut off, comes back and gets all figures anew. */
export const PAGE_QUEUE_BYTES = 1_048_576;

/** Time between two comments on a stream without deltas, in milliseconds. */
export const HEARTBEAT_MS = 15_000;
