/** Limits of lingering connections: those that the program has closed and the stack finishes. */

/** Checks of a closing connection within the close timeout, which is late by an eighth at most. */
export const LOOKS_PER_CLOSE_TIMEOUT = 8;
/** Time without a sign of the peer after which its FIN is no longer awaited: lwIP's TCP_FIN_WAIT_TIMEOUT. */
export const FIN_WAIT_MS = 20_000;
/** Longest wait for the FIN of a peer that goes on sending. */
export const LONGEST_LINGER_MS = 300_000;
/** Closed connections that a stack finishes at once; past it, the longest without progress is reset. */
export const MAX_LINGERING = 16_384;
