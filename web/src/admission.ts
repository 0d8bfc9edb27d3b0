/** The bounds that node:http does not keep itself, checked before a request gets to a handler. */
import type { IncomingMessage } from 'node:http';
import type { Limits } from './limits.js';
import { countParams, isHost, parseTarget, type Target } from './request/target.js';

const HOST = 'host';

/** Returns the request's target, or the status with which it is refused. */
export function admit(message: IncomingMessage, limits: Limits): Target | number {
  const { url = '', rawHeaders, httpVersionMajor, httpVersionMinor } = message;
  // HTTP/0.9 has no headers, and no status for an answer.
  if (httpVersionMajor !== 1) return 505;
  const coding = message.headers['transfer-encoding'];
  if (coding !== undefined) {
    // A proxy of HTTP/1.0 does not see where such a body ends (RFC 9112 §6.1).
    if (httpVersionMinor === 0) return 400;
    if (coding.toLowerCase() !== 'chunked') return 501;
  }
  if (url.length > limits.urlBytes) return 414;
  if (rawHeaders.length / 2 > limits.headers) return 431;
  if (!isHostGood(rawHeaders)) return 400;
  const target = parseTarget(url);
  if (target === undefined) return 400;
  return countParams(target.query) > limits.params ? 400 : target;
}

/**
 * Returns false for a header `Host` that names no host, and for several: two servers could take different
 * ones (RFC 9112 §3.2). It is empty if the URL has no host; node:http refuses HTTP/1.1 without the header.
 */
function isHostGood(rawHeaders: readonly string[]): boolean {
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length !== HOST.length || name.toLowerCase() !== HOST) continue;
    if (host !== undefined) return false;
    host = rawHeaders[at + 1] ?? '';
  }
  return host === undefined || host === '' || isHost(host);
}
