/** Options of a web server. */
import type { Preamble, StackOption } from 'asynctcp';
import type { SecureContextOptions } from 'node:tls';
import type { Limits } from './limits.js';

export interface AsyncWebServerOptions {
  /** Address on which the server listens. Default: every one. */
  host?: string | undefined;
  /** Stack that carries the bytes. Default: asynctcp's configuration's. */
  stack?: StackOption | undefined;
  /**
   * Bytes that a connection has to send before its first request, such as the header of the PROXY protocol:
   * `proxyProtocol` of `asynctcp/gateway`. The addresses of requests are then the clients'. Default: none.
   */
  preamble?: Preamble | undefined;
  /** Bounds, and times. Default: `DEFAULT_LIMITS`. */
  limits?: Partial<Limits> | undefined;
  /** Certificate and key: the server speaks TLS (`https:`). */
  tls?: SecureContextOptions | undefined;
  /** Takes a line about what went wrong in the program's handlers. Default: `console.error`. */
  log?: ((line: string) => void) | undefined;
}
