/**
 * Tells browsers which other origins may use the answers (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol).
 *
 * A browser asks first, by a request OPTIONS (a preflight). As middleware of the server it answers those of
 * every path; as middleware of a handler only those of a handler that answers OPTIONS.
 */
import { HTTP_OPTIONS } from '../methods.js';
import { AsyncBasicResponse } from '../response/basic-response.js';
import type { AsyncWebServerResponse } from '../response/response.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import type { AsyncMiddleware, ArMiddlewareNext } from './middleware.js';

const ANY = '*';

/** A scheme, a host and maybe a port, as browsers write them: in small letters, without a path. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^\s/?#@,A-Z]+$/;

/** A list of methods, or of names of headers. */
const LIST = /^[\w!#$%&'*+.^`|~-]+(?:[\t ]*,[\t ]*[\w!#$%&'*+.^`|~-]+)*$/;

export class AsyncCorsMiddleware implements AsyncMiddleware {
  #origins: ReadonlySet<string> = new Set([ANY]);
  #methods = ANY;
  #headers = ANY;
  #allowsCredentials = false;
  #maxAgeS = 86_400;

  /**
   * Sets the origins that may use the answers, such as `https://example.org`. Default: `*`, all.
   * @throws RangeError for what is no origin, such as a URL with a path.
   */
  setOrigin(...origins: string[]): this {
    for (const origin of origins) {
      if (origin !== ANY && origin !== 'null' && !ORIGIN.test(origin))
        throw new RangeError(`origin must be such as https://example.org; it is ${origin}`);
    }
    this.#origins = new Set(origins);
    return this;
  }

  /** Sets the methods that other origins may use, such as `GET, POST`. Default: `*`, all. */
  setMethods(methods: string): this {
    this.#methods = checkedList(methods);
    return this;
  }

  /** Sets the headers that other origins may send, such as `Content-Type, X-Custom`. Default: `*`, all. */
  setHeaders(headers: string): this {
    this.#headers = checkedList(headers);
    return this;
  }

  /**
   * Sets if requests may carry cookies and passwords. Default: false. Has an effect only for origins that are
   * named: by `*` and by `null` any page could use the answers that its visitor may see.
   */
  setAllowCredentials(allows: boolean): this {
    this.#allowsCredentials = allows;
    return this;
  }

  /** Sets for how long a browser need not ask again, in seconds. Default: a day. */
  setMaxAge(seconds: number): this {
    if (!(Number.isInteger(seconds) && seconds >= 0))
      throw new RangeError(`seconds must be a whole number from 0 on; they are ${seconds}`);
    this.#maxAgeS = seconds;
    return this;
  }

  /** Adds the headers that every answer to another origin has. Returns true if the origin may use it. */
  addCORSHeaders(request: AsyncWebServerRequest, response: AsyncWebServerResponse): boolean {
    const origin = request.header('origin');
    const isAny = this.#origins.has(ANY);
    const isNamed = this.#origins.has(origin) && origin !== ANY;
    // The answer to one origin must not be kept for another.
    if (!isAny || this.#origins.size > 1) addVary(response, 'Origin');
    if (origin === '' || !(isAny || isNamed)) return false;
    const isWithCredentials = isNamed && origin !== 'null' && this.#allowsCredentials;
    response.addHeader('Access-Control-Allow-Origin', isNamed ? origin : ANY);
    if (isWithCredentials) response.addHeader('Access-Control-Allow-Credentials', 'true');
    return true;
  }

  run(request: AsyncWebServerRequest, next: ArMiddlewareNext): Promise<void> | undefined {
    const isPreflight =
      request.method() === HTTP_OPTIONS &&
      request.hasHeader('origin') &&
      request.hasHeader('access-control-request-method');
    request.onAnswer((response) => {
      const isAllowed = this.addCORSHeaders(request, response);
      if (isPreflight && isAllowed) this.#addPreflightHeaders(request, response);
    });
    if (!isPreflight) return next();
    request.send(new AsyncBasicResponse(204));
    return undefined;
  }

  #addPreflightHeaders(request: AsyncWebServerRequest, response: AsyncWebServerResponse): void {
    addAllowed(response, 'Methods', this.#methods, request.header('access-control-request-method'));
    addAllowed(response, 'Headers', this.#headers, request.header('access-control-request-headers'));
    response.addHeader('Access-Control-Max-Age', this.#maxAgeS);
  }
}

/** Adds what is allowed. `*` means what was asked for: a browser takes it by the letter with credentials. */
function addAllowed(
  response: AsyncWebServerResponse,
  what: 'Methods' | 'Headers',
  allowed: string,
  asked: string,
): void {
  const value = allowed === ANY ? asked : allowed;
  if (LIST.test(value)) response.addHeader(`Access-Control-Allow-${what}`, value);
}

/** Adds a name to the header `Vary`. */
function addVary(response: AsyncWebServerResponse, name: string): void {
  const names = response
    .headers()
    .filter((header) => header.name().toLowerCase() === 'vary')
    .flatMap((header) => header.value().split(','))
    .map((known) => known.trim());
  const isThere = names.some((known) => known === ANY || known.toLowerCase() === name.toLowerCase());
  if (!isThere) response.addHeader('Vary', [...names, name].join(', '));
}

function checkedList(list: string): string {
  if (LIST.test(list)) return list;
  throw new RangeError(`a list must be names and commas; it is ${list}`);
}
