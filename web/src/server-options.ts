/** Options of a web server. */
import type { StackOption } from 'asynctcp';
import type { SecureContextOptions } from 'node:tls';
import type { Limits } from './limits.js';

export interface AsyncWebServerOptions {
  /** Address on which the server listens. Default: every one. */
  host?: string | undefined;
  /** Stack that carries the bytes. Default: asynctcp's configuration's. */
  stack?: StackOption | undefined;
  /** Bounds, and times. Default: `DEFAULT_LIMITS`. */
  limits?: Partial<Limits> | undefined;
  /** Certificate and key: the server speaks TLS (`https:`). */
  tls?: SecureContextOptions | undefined;
  /** Takes a line about what went wrong in the program's handlers. Default: `console.error`. */
  log?: ((line: string) => void) | undefined;
}
