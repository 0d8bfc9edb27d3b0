/** Checks what a request proves by its header `Authorization`, and makes the answer to one without proof. */
import type { IncomingMessage } from 'node:http';
import { AsyncAuthType } from './auth-type.js';
import { parseAuthorization, type Authorization } from './authorization.js';
import { basicChallenge, bearerChallenge, digestChallenge } from './challenge.js';
import { DIGEST_ALGORITHMS, type Credentials, type DigestAlgorithm } from './credentials.js';
import { isRightAnswer, readDigest } from './digest.js';
import type { Nonces } from './nonces.js';
import { isSameSecret } from './secret.js';

/** An answer to a client that must prove more. */
export interface Refusal {
  readonly code: number;
  /** Values of `WWW-Authenticate`, the preferred one first. */
  readonly challenges: readonly string[];
}

export class Authentication {
  readonly #message: IncomingMessage;
  readonly #nonces: Nonces;
  readonly #given: Authorization | undefined;
  /** `undefined` until a digest was right. Kept, since a nonce's count can be used once only. */
  #isFresh: boolean | undefined;

  constructor(message: IncomingMessage, nonces: Nonces) {
    this.#message = message;
    this.#nonces = nonces;
    const { authorization } = message.headers;
    this.#given = authorization === undefined ? undefined : parseAuthorization(authorization);
  }

  /** Returns true for the right name and password (RFC 7617). */
  isBasic(credentials: Credentials): boolean {
    const token = this.#tokenOf('basic');
    return token !== undefined && credentials.isPair(Buffer.from(token, 'base64'));
  }

  /** Returns true for the right digest, with a nonce that may be used (RFC 7616). */
  isDigest(credentials: Credentials): boolean {
    const { scheme, params } = this.#given ?? {};
    const answer = scheme === 'digest' && params !== undefined ? readDigest(params) : undefined;
    if (answer === undefined) return false;
    const { method = '', url = '' } = this.#message;
    if (!isRightAnswer(answer, credentials, method, url)) return false;
    this.#isFresh ??= answer.opaque === this.#nonces.opaque && this.#nonces.use(answer.nonce, answer.count);
    return this.#isFresh;
  }

  isBasicOrDigest(credentials: Credentials): boolean {
    return this.#given?.scheme === 'basic' ? this.isBasic(credentials) : this.isDigest(credentials);
  }

  /** Returns true for the right token (RFC 6750). */
  isBearer(token: string): boolean {
    const given = this.#tokenOf('bearer');
    return given !== undefined && isSameSecret(given, token);
  }

  #tokenOf(scheme: string): string | undefined {
    return this.#given?.scheme === scheme ? this.#given.token : undefined;
  }

  /** Returns the answer for a client that has not proved what `type` asks for. */
  refusal(
    type: AsyncAuthType,
    realm: string,
    algorithms: readonly DigestAlgorithm[] = DIGEST_ALGORITHMS,
  ): Refusal {
    switch (type) {
      case AsyncAuthType.AUTH_BASIC:
        return { code: 401, challenges: [basicChallenge(realm)] };
      case AsyncAuthType.AUTH_DIGEST:
        return { code: 401, challenges: this.#digestChallenges(realm, algorithms) };
      case AsyncAuthType.AUTH_BEARER:
        return this.#bearerRefusal(realm);
      case AsyncAuthType.AUTH_NONE:
      case AsyncAuthType.AUTH_OTHER:
      case AsyncAuthType.AUTH_DENIED:
        // 401 would have to say how the client can do better (RFC 9110 §15.5.2).
        return { code: 403, challenges: [] };
    }
  }

  #digestChallenges(realm: string, algorithms: readonly DigestAlgorithm[]): string[] {
    const nonce = this.#nonces.make();
    const isStale = this.#isFresh === false;
    return algorithms.map((algorithm) =>
      digestChallenge(realm, algorithm, nonce, this.#nonces.opaque, isStale),
    );
  }

  /** The answer to a client that sent no token names no error (RFC 6750 §3.1). */
  #bearerRefusal(realm: string): Refusal {
    if (this.#given?.scheme !== 'bearer')
      return { code: 401, challenges: [bearerChallenge(realm, undefined)] };
    const isWellFormed = this.#given.token !== undefined;
    return isWellFormed
      ? { code: 401, challenges: [bearerChallenge(realm, 'invalid_token')] }
      : { code: 400, challenges: [bearerChallenge(realm, 'invalid_request')] };
  }
}
