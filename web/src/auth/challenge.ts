/** Values of the header `WWW-Authenticate` (RFC 9110 §11.6.1). */
import type { DigestAlgorithm } from './credentials.js';

/** The errors of RFC 6750 §3.1. */
export type BearerError = 'invalid_request' | 'invalid_token';

/** Asks for a name and a password in UTF-8 (RFC 7617 §2.1). */
export function basicChallenge(realm: string): string {
  return `Basic realm=${quoted(realm)}, charset="UTF-8"`;
}

/** Asks for a token. `error`: what was wrong with the one that was sent. */
export function bearerChallenge(realm: string, error: BearerError | undefined): string {
  return `Bearer realm=${quoted(realm)}${error === undefined ? '' : `, error="${error}"`}`;
}

/**
 * Asks for a digest (RFC 7616 §3.3).
 * @param isStale true if the client may answer again without asking its user: the old nonce is used up.
 */
export function digestChallenge(
  realm: string,
  algorithm: DigestAlgorithm,
  nonce: string,
  opaque: string,
  isStale: boolean,
): string {
  const proof = `algorithm=${algorithm}, nonce="${nonce}", opaque="${opaque}"`;
  return `Digest realm=${quoted(realm)}, qop="auth", ${proof}, charset=UTF-8${isStale ? ', stale=true' : ''}`;
}

/** Returns text in quotes, in UTF-8 as node:http writes it. */
function quoted(text: string): string {
  return `"${Buffer.from(text.replace(/["\\]/g, '\\$&')).toString('latin1')}"`;
}
