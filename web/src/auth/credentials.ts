/** A name and a password, kept as the hashes that digest authentication compares (RFC 7616 §3.4.2). */
import { createHash } from 'node:crypto';
import { isSameSecret } from './secret.js';

export type DigestAlgorithm = 'SHA-256' | 'MD5';

/** The algorithms in the order in which they are offered: the strongest first (RFC 7616 §3.7). */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ['SHA-256', 'MD5'];

const NODE_NAMES: Readonly<Record<DigestAlgorithm, string>> = { 'SHA-256': 'sha256', MD5: 'md5' };

/** A hash of this length, in hexadecimal digits, is of this algorithm. */
const BY_LENGTH: ReadonlyMap<number, DigestAlgorithm> = new Map([
  [64, 'SHA-256'],
  [32, 'MD5'],
]);

// eslint-disable-next-line no-control-regex -- these are looked for.
const CONTROL = /[\u0000-\u001f\u007f]/;

/** A line of a password file: `username:realm:` and one hash or two. */
const LINE = /^(?<username>[^:]+):(?<realm>.+?):(?<hash>[\da-f]{32,64}(?::[\da-f]{32,64})?)$/i;

/**
 * Returns the hash of texts joined by colons, in hexadecimal digits.
 * @param encoding `latin1` for text as node:http reads it.
 */
export function hashOf(
  algorithm: DigestAlgorithm,
  parts: readonly string[],
  encoding: 'utf8' | 'latin1' = 'utf8',
): string {
  return createHash(NODE_NAMES[algorithm]).update(parts.join(':'), encoding).digest('hex');
}

/**
 * Returns what a program keeps in place of a password: the SHA-256 and the MD5 of name, realm and password,
 * joined by a colon. Keep it as secret as the password: a client needs no more for digest authentication.
 */
export function generateDigestHash(username: string, password: string, realm: string): string {
  return Credentials.ofPassword(username, password, realm).toHash();
}

export class Credentials {
  readonly username: string;
  readonly realm: string;
  /** In the order of `DIGEST_ALGORITHMS`. */
  readonly #hashes: ReadonlyMap<DigestAlgorithm, string>;

  private constructor(username: string, realm: string, hashes: ReadonlyMap<DigestAlgorithm, string>) {
    this.username = checkedUsername(username);
    this.realm = checkedRealm(realm);
    this.#hashes = hashes;
  }

  /** @throws RangeError for a name or a realm that no header can carry. */
  static ofPassword(username: string, password: string, realm: string): Credentials {
    const hashes = DIGEST_ALGORITHMS.map(
      (algorithm) => [algorithm, hashOf(algorithm, [username, realm, password])] as const,
    );
    return new Credentials(username, realm, new Map(hashes));
  }

  /**
   * Takes what `generateDigestHash` returned; one of its two hashes is enough.
   * @throws RangeError for another hash, or for a name or a realm that no header can carry.
   */
  static ofHash(username: string, hash: string, realm: string): Credentials {
    const given = new Map<DigestAlgorithm | undefined, string>();
    for (const part of hash.toLowerCase().split(':')) {
      given.set(/^[\da-f]+$/.test(part) ? BY_LENGTH.get(part.length) : undefined, part);
    }
    if (given.has(undefined)) throw new RangeError('hash must be a SHA-256 or an MD5, or both');
    const hashes = new Map<DigestAlgorithm, string>();
    for (const algorithm of DIGEST_ALGORITHMS) {
      const found = given.get(algorithm);
      if (found !== undefined) hashes.set(algorithm, found);
    }
    return new Credentials(username, realm, hashes);
  }

  /**
   * Takes a line as `htdigest` writes it: name, realm and hash, joined by colons.
   * @throws RangeError for another one.
   */
  static ofLine(line: string): Credentials {
    const { username, realm, hash } = LINE.exec(line)?.groups ?? {};
    if (username === undefined || realm === undefined || hash === undefined)
      throw new RangeError('hash must be username:realm:hash');
    return Credentials.ofHash(username, hash, realm);
  }

  toHash(): string {
    return [...this.#hashes.values()].join(':');
  }

  /** Returns the algorithms whose hash is known, the strongest first. */
  algorithms(): DigestAlgorithm[] {
    return [...this.#hashes.keys()];
  }

  /** Returns the hash of name, realm and password; `undefined` if it is not known. */
  hash(algorithm: DigestAlgorithm): string | undefined {
    return this.#hashes.get(algorithm);
  }

  /** Returns true for the name and the password in UTF-8, joined by a colon (RFC 7617 §2). */
  isPair(pair: Buffer): boolean {
    const colon = pair.indexOf(':');
    if (colon < 0) return false;
    for (const [algorithm, hash] of this.#hashes) {
      const given = createHash(NODE_NAMES[algorithm])
        .update(pair.subarray(0, colon))
        .update(`:${this.realm}:`)
        .update(pair.subarray(colon + 1));
      return isSameSecret(given.digest('hex'), hash);
    }
    return false;
  }
}

/** @throws RangeError for a realm with a control character. */
export function checkedRealm(realm: string): string {
  if (CONTROL.test(realm)) throw new RangeError('realm must have no control characters');
  return realm;
}

function checkedUsername(username: string): string {
  if (username !== '' && !username.includes(':') && !CONTROL.test(username)) return username;
  throw new RangeError('username must not be empty, and must have no colon and no control characters');
}
