/** A client's side of digest authentication, apart from the server's, which must agree with it. */
import { createHash } from 'node:crypto';

export interface Challenge {
  readonly algorithm: string;
  readonly nonce: string;
  readonly opaque: string;
  readonly realm: string;
  readonly isStale: boolean;
}

export interface Login {
  readonly username: string;
  readonly password: string;
  readonly method?: string;
  readonly uri: string;
  readonly nc?: string;
}

/** Returns the digest challenges of an answer, from its raw headers. */
export function challengesOf(rawHeaders: readonly string[]): Challenge[] {
  const values = rawHeaders.filter((_, at) => rawHeaders[at - 1]?.toLowerCase() === 'www-authenticate');
  return values.map((value) => ({
    algorithm: find(value, /algorithm=([^,]+)/),
    nonce: find(value, /nonce="([^"]+)"/),
    opaque: find(value, /opaque="([^"]+)"/),
    realm: find(value, /realm="([^"]+)"/),
    isStale: value.includes('stale=true'),
  }));
}

/** Returns the value of the header `Authorization`. */
export function authorize(challenge: Challenge, login: Login): string {
  const { algorithm, nonce, opaque, realm } = challenge;
  const { username, password, method = 'GET', uri, nc = '00000001' } = login;
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const secret = hash(`${username}:${realm}:${password}`);
  const response = hash(`${secret}:${nonce}:${nc}:c0ffee:auth:${hash(`${method}:${uri}`)}`);
  const name = Buffer.from(username.replace(/["\\]/g, '\\$&')).toString('latin1');
  const who = `username="${name}", realm="${realm}", nonce="${nonce}", opaque="${opaque}"`;
  return `Digest ${who}, uri="${uri}", algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce="c0ffee", response="${response}"`;
}

function find(value: string, pattern: RegExp): string {
  return pattern.exec(value)?.[1] ?? '';
}
