/** A port on which nothing listens, and which the system gives to no client. */
export const UNUSED_PORT = 1;

/** A loopback address on which no test listens. */
export const UNUSED_ADDRESS = '127.0.0.9';
