/** HTTP's methods as bits, to be added: `HTTP_GET | HTTP_POST`. The names are ESPAsyncWebServer's. */

export const HTTP_GET = 1;
export const HTTP_POST = 2;
export const HTTP_DELETE = 4;
export const HTTP_PUT = 8;
export const HTTP_PATCH = 16;
export const HTTP_HEAD = 32;
export const HTTP_OPTIONS = 64;
// Those of WebDAV (RFC 4918).
export const HTTP_PROPFIND = 128;
export const HTTP_LOCK = 256;
export const HTTP_UNLOCK = 512;
export const HTTP_PROPPATCH = 1024;
export const HTTP_MKCOL = 2048;
export const HTTP_MOVE = 4096;
export const HTTP_COPY = 8192;
/** Every method, also those without a name here. */
export const HTTP_ANY = 0x7fff;

/** Bit of the methods that have no name here. */
const OTHER = 0x4000;

const BITS: Readonly<Record<string, number>> = {
  GET: HTTP_GET,
  POST: HTTP_POST,
  DELETE: HTTP_DELETE,
  PUT: HTTP_PUT,
  PATCH: HTTP_PATCH,
  HEAD: HTTP_HEAD,
  OPTIONS: HTTP_OPTIONS,
  PROPFIND: HTTP_PROPFIND,
  LOCK: HTTP_LOCK,
  UNLOCK: HTTP_UNLOCK,
  PROPPATCH: HTTP_PROPPATCH,
  MKCOL: HTTP_MKCOL,
  MOVE: HTTP_MOVE,
  COPY: HTTP_COPY,
};

/** Returns the bit of a method's name. */
export function methodBit(name: string): number {
  return BITS[name] ?? OTHER;
}

/**
 * Returns true if a handler for `methods` answers `method`. A handler of GET answers HEAD as well (RFC 9110
 * §9.3.2).
 */
export function answers(methods: number, method: number): boolean {
  return (methods & method) !== 0 || (method === HTTP_HEAD && (methods & HTTP_GET) !== 0);
}

/** Returns the names of methods, as in the header `Allow`. */
export function methodNames(methods: number): string[] {
  return Object.keys(BITS).filter((name) => answers(methods, methodBit(name)));
}
