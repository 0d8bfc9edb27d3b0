/** How connections wait for the peer's FIN when the program is done with them. */

/** After our FIN, how long the peer's is waited for: lwIP's TCP_FIN_WAIT_TIMEOUT. */
export const FIN_WAIT_MS = 20_000;
/** Connections of a stack that may wait so at once; further ones are closed without waiting. */
export const MAX_LINGERING = 1024;
