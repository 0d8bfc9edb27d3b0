/** Bounds of connections that the program is done with and that the stack finishes. */

/** Checks of a closing connection within its timeout: the timeout is late by an eighth at most. */
export const LOOKS_PER_CLOSE_TIMEOUT = 8;
/** Longest wait for the peer's FIN, after ours, without a sign of life: lwIP's TCP_FIN_WAIT_TIMEOUT. */
export const FIN_WAIT_MS = 20_000;
/** Longest wait for a peer that keeps sending: it must not keep a descriptor for ever. */
export const LONGEST_LINGER_MS = 300_000;
/** Closed connections that a stack finishes at once; past it, the longest without progress is reset. */
export const MAX_LINGERING = 16_384;
