/** How connections are finished when the program is done with them. */

/** How often within its timeout a closing connection is looked at: a timeout is late by an eighth at most. */
export const LOOKS_PER_CLOSE_TIMEOUT = 8;
/**
 * After our FIN, how long the peer's is waited for without a sign of life: lwIP's TCP_FIN_WAIT_TIMEOUT.
 */
export const FIN_WAIT_MS = 20_000;
/** A peer that goes on and on is waited for so long at most: it must not keep a descriptor for ever. */
export const LONGEST_LINGER_MS = 300_000;
/** Closed connections that a stack finishes at once; past it, the longest without progress is reset. */
export const MAX_LINGERING = 16_384;
