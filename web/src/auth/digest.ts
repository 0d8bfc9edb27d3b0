/** A client's answer to a challenge of digest authentication (RFC 7616 §3.4). Only `qop=auth` is taken. */
import { type Credentials, DIGEST_ALGORITHMS, type DigestAlgorithm, hashOf } from './credentials.js';
import { isSameSecret } from './secret.js';

export interface DigestAnswer {
  /** The name, in UTF-8. */
  readonly username: Buffer;
  readonly realm: Buffer;
  readonly algorithm: DigestAlgorithm;
  readonly nonce: string;
  /** Count of the requests with this nonce, from 1 on, and as it was written. */
  readonly count: number;
  readonly nc: string;
  readonly cnonce: string;
  readonly uri: string;
  readonly opaque: string;
  readonly response: string;
}

/** Returns the answer; `undefined` if a part is missing, or is not as RFC 7616 has it. */
export function readDigest(params: ReadonlyMap<string, string>): DigestAnswer | undefined {
  const [realm, nonce, nc, cnonce, uri, opaque, response] = [
    ...['realm', 'nonce', 'nc', 'cnonce', 'uri', 'opaque', 'response'].map((name) => params.get(name)),
  ];
  const username = readUsername(params);
  const named = (params.get('algorithm') ?? 'MD5').toUpperCase();
  const algorithm = DIGEST_ALGORITHMS.find((name) => name === named);
  if (username === undefined || realm === undefined || algorithm === undefined) return undefined;
  if (nonce === undefined || nc === undefined || cnonce === undefined) return undefined;
  if (uri === undefined || opaque === undefined || response === undefined) return undefined;
  if (params.get('qop') !== 'auth' || params.get('userhash')?.toLowerCase() === 'true') return undefined;
  const count = /^[\da-f]{8}$/i.test(nc) ? Number.parseInt(nc, 16) : 0;
  if (count === 0) return undefined;
  const head = { username, realm: Buffer.from(realm, 'latin1'), algorithm };
  return { ...head, nonce, count, nc, cnonce, uri, opaque, response };
}

/** Returns the bytes of the name, which comes in one of two ways (RFC 7616 §3.4). */
function readUsername(params: ReadonlyMap<string, string>): Buffer | undefined {
  const plain = params.get('username');
  const extended = params.get('username*');
  // node:http reads headers as Latin-1.
  if (extended === undefined) return plain === undefined ? undefined : Buffer.from(plain, 'latin1');
  const encoded = /^UTF-8'[^']*'(?<value>.*)$/i.exec(extended)?.groups?.['value'];
  if (plain !== undefined || encoded === undefined) return undefined;
  try {
    return Buffer.from(decodeURIComponent(encoded));
  } catch {
    return undefined;
  }
}

/**
 * Returns true if the answer proves that the client knows the password.
 * @param method name of the request's method.
 * @param target the request's target, as the client sent it.
 */
export function isRightAnswer(
  answer: DigestAnswer,
  credentials: Credentials,
  method: string,
  target: string,
): boolean {
  const { algorithm, nonce, nc, cnonce, uri } = answer;
  const secret = credentials.hash(algorithm);
  if (secret === undefined || uri !== target) return false;
  if (!answer.realm.equals(Buffer.from(credentials.realm))) return false;
  const request = hashOf(algorithm, [method, uri], 'latin1');
  const response = hashOf(algorithm, [secret, nonce, nc, cnonce, 'auth', request], 'latin1');
  const isName = isSameSecret(answer.username, credentials.username);
  return isSameSecret(answer.response, response) && isName;
}
