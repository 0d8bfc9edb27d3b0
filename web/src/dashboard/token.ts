/** The token of a dashboard: in the header `Authorization`, or as a cookie that stands for it. */
import { createHmac, randomBytes } from 'node:crypto';
import { isSameSecret } from '../auth/secret.js';
import { TOKEN_CHARS } from './bounds.js';

/** Bytes of a token that is made here. */
const RANDOM_BYTES = 24;
const BEARER = /^bearer +/i;

export class Token {
  readonly text: string;
  /** Value of the cookie: the token cannot be found from it. */
  readonly #cookieValue: string;

  /** @throws RangeError for a token that is too short, or that no header carries. */
  constructor(text = randomBytes(RANDOM_BYTES).toString('base64url')) {
    if (!/^[\x21-\x7e]+$/.test(text) || text.length < TOKEN_CHARS)
      throw new RangeError(`token must have at least ${TOKEN_CHARS} characters, of ASCII without spaces`);
    this.text = text;
    this.#cookieValue = createHmac('sha256', text).update('asynctcp dashboard').digest('base64url');
  }

  /** Returns true for the token, in a time that does not depend on where they differ. */
  is(text: string): boolean {
    return isSameSecret(text, this.text);
  }

  /**
   * Returns true if one of the headers proves that the client knows the token.
   * @param port that of the server.
   */
  isIn(authorization: string, cookies: string, port: number): boolean {
    if (BEARER.test(authorization)) return this.is(authorization.replace(BEARER, '').trim());
    return cookieValues(cookies, cookieName(port)).some((value) => isSameSecret(value, this.#cookieValue));
  }

  /**
   * Returns the header `Set-Cookie`: no script reads the cookie, and no other site's request carries it.
   * @param path that of the dashboard.
   * @param port that of the server.
   */
  cookie(path: string, isSecure: boolean, port: number): string {
    const secure = isSecure ? '; Secure' : '';
    return `${cookieName(port)}=${this.#cookieValue}; Path=${path}; HttpOnly; SameSite=Strict${secure}`;
  }
}

/** Cookies of one request that are looked at. */
const MOST_COOKIES = 10;

/** Browsers send a cookie to all ports of a host: the dashboard of each port has its own. */
function cookieName(port: number): string {
  return `asynctcp-dashboard-${port}`;
}

function cookieValues(cookies: string, name: string): string[] {
  return cookies
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(`${name}=`))
    .slice(0, MOST_COOKIES)
    .map((cookie) => cookie.slice(name.length + 1));
}
