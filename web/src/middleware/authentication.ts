/** Lets a request pass only if its client has proved who it is. The body has not been read by then. */
import { AsyncAuthType, DEFAULT_REALM } from '../auth/auth-type.js';
import { isToken } from '../auth/authorization.js';
import { checkedRealm, Credentials } from '../auth/credentials.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import type { AsyncMiddleware, ArMiddlewareNext } from './middleware.js';

/** Decides whether a request's client has proved who it is. */
export type ArAuthenticationFunction = (request: AsyncWebServerRequest) => boolean | Promise<boolean>;

export class AsyncAuthenticationMiddleware implements AsyncMiddleware {
  #type: AsyncAuthType = AsyncAuthType.AUTH_DIGEST;
  #username: string | undefined;
  #secret: { readonly text: string; readonly isHash: boolean } | undefined;
  #realm = DEFAULT_REALM;
  #token: string | undefined;
  #isAllowed: ArAuthenticationFunction | undefined;
  #message: string | undefined;
  /** Made of the settings above when it is needed first. */
  #credentials: Credentials | undefined;

  /** Sets the way in which clients prove who they are. Default: `AsyncAuthType.AUTH_DIGEST`. */
  setAuthType(type: AsyncAuthType): this {
    this.#type = type;
    return this;
  }

  /** Sets the name, for basic and digest. */
  setUsername(username: string): this {
    this.#username = username;
    this.#credentials = undefined;
    return this;
  }

  /** Sets the password, for basic and digest. */
  setPassword(password: string): this {
    this.#secret = { text: password, isHash: false };
    this.#credentials = undefined;
    return this;
  }

  /** Sets what `generateHash` returned, in place of the password. Name and realm must be those of then. */
  setPasswordHash(hash: string): this {
    this.#secret = { text: hash, isHash: true };
    this.#credentials = undefined;
    return this;
  }

  /**
   * Replaces the password by its hash, and returns that.
   * @throws Error if name or password were not set.
   */
  generateHash(): string {
    const hash = this.#ownCredentials().toHash();
    this.setPasswordHash(hash);
    return hash;
  }

  /**
   * Sets the realm: what a browser shows beside its question for a password.
   * @throws RangeError for one with control characters.
   */
  setRealm(realm: string): this {
    this.#realm = checkedRealm(realm);
    this.#credentials = undefined;
    return this;
  }

  /**
   * Sets the token, for bearer.
   * @throws RangeError for one that no header can carry.
   */
  setToken(token: string): this {
    if (!isToken(token)) throw new RangeError('token must be letters, digits and -._~+/ with = at its end');
    this.#token = token;
    return this;
  }

  /** Sets the function that decides, for `AsyncAuthType.AUTH_OTHER`. */
  setAuthenticationFunction(isAllowed: ArAuthenticationFunction): this {
    this.#isAllowed = isAllowed;
    return this;
  }

  /** Sets the text for clients that are refused. Default: the status's name. */
  setAuthFailureMessage(message: string): this {
    this.#message = message;
    return this;
  }

  /**
   * Returns true if a request's client has proved who it is.
   * @throws Error if the settings that the type needs are missing: no one passes then.
   */
  allowed(request: AsyncWebServerRequest): boolean | Promise<boolean> {
    switch (this.#type) {
      case AsyncAuthType.AUTH_NONE:
        return true;
      case AsyncAuthType.AUTH_BASIC:
        return request.authentication.isBasic(this.#ownCredentials());
      case AsyncAuthType.AUTH_DIGEST:
        return request.authentication.isDigest(this.#ownCredentials());
      case AsyncAuthType.AUTH_BEARER:
        return request.authentication.isBearer(given(this.#token, 'setToken'));
      case AsyncAuthType.AUTH_OTHER:
        return given(this.#isAllowed, 'setAuthenticationFunction')(request);
      case AsyncAuthType.AUTH_DENIED:
        return false;
    }
  }

  run(request: AsyncWebServerRequest, next: ArMiddlewareNext): Promise<void> | undefined {
    const allowed = this.allowed(request);
    if (typeof allowed === 'boolean') return this.#proceed(request, next, allowed);
    return allowed.then((isAllowed) => this.#proceed(request, next, isAllowed));
  }

  #proceed(
    request: AsyncWebServerRequest,
    next: ArMiddlewareNext,
    isAllowed: boolean,
  ): Promise<void> | undefined {
    if (isAllowed) return next();
    request.requestAuthentication(this.#type, this.#realm, this.#message, this.#credentials?.algorithms());
    return undefined;
  }

  #ownCredentials(): Credentials {
    if (this.#credentials === undefined) {
      const username = given(this.#username, 'setUsername');
      const { text, isHash } = given(this.#secret, 'setPassword');
      this.#credentials = isHash
        ? Credentials.ofHash(username, text, this.#realm)
        : Credentials.ofPassword(username, text, this.#realm);
    }
    return this.#credentials;
  }
}

function given<T>(setting: T | undefined, setter: string): T {
  if (setting === undefined) throw new Error(`authentication needs ${setter}`);
  return setting;
}
