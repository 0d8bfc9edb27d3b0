/**
 * Middleware of every path of a dashboard: who may look, and whose requests may act.
 *
 * A server on a loopback address is reached by this machine's programs alone, but also by pages of other
 * sites in this machine's browser. So the header `Host` must name this machine, against DNS rebinding, and
 * no request of another site passes. Any other server needs the token.
 */
import { isIP } from 'node:net';
import { HttpError } from '../http-error.js';
import { HTTP_GET } from '../methods.js';
import type { ArMiddlewareNext } from '../middleware/middleware.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncFileResponse } from '../response/file-response.js';
import type { AsyncWebServerResponse } from '../response/response.js';
import type { Token } from './token.js';

/** Header that a request must have that acts: a form of another site cannot send it. */
export const ACTION_HEADER = 'X-Asynctcp-Action';

/** Headers of every answer. */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  [
    'Content-Security-Policy',
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  ],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'same-origin'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
];

export interface GuardSettings {
  /** The token; `undefined` while none is needed. */
  readonly token: () => Token | undefined;
  /** Port of the server. */
  readonly port: () => number;
  /** Answers a request that must bring the token. */
  readonly ask: (request: AsyncWebServerRequest) => void;
}

export class Guard {
  readonly #settings: GuardSettings;

  constructor(settings: GuardSettings) {
    this.#settings = settings;
  }

  /** Middleware: lets a request look, and act. */
  readonly run = (request: AsyncWebServerRequest, next: ArMiddlewareNext): Promise<void> | undefined => {
    this.prepare(request);
    const token = this.#settings.token();
    if (
      token !== undefined &&
      !token.isIn(request.header('authorization'), request.header('cookie'), this.#settings.port())
    ) {
      this.#settings.ask(request);
      return undefined;
    }
    return next();
  };

  /** Middleware of the path that takes the token: all checks but the one for the token. */
  readonly runWithoutToken = (
    request: AsyncWebServerRequest,
    next: ArMiddlewareNext,
  ): Promise<void> | undefined => {
    this.prepare(request);
    return next();
  };

  /**
   * Adds the headers of the answer, and checks the origin of the request.
   * @throws HttpError with 403
   */
  prepare(request: AsyncWebServerRequest): void {
    request.onAnswer(addHeaders);
    if (this.#settings.token() === undefined) checkHost(request);
    checkOrigin(request);
  }
}

/** Checks the header that only a script of the page itself, or a program, sets. @throws HttpError with 403 */
export function checkAction(request: AsyncWebServerRequest): void {
  if (request.header(ACTION_HEADER) === '')
    throw new HttpError(403, `the header ${ACTION_HEADER} is missing`);
}

function addHeaders(response: AsyncWebServerResponse): void {
  for (const [name, value] of HEADERS) response.addHeader(name, value);
  // A file has the header from its handler.
  const isFile = response instanceof AsyncFileResponse;
  if (!isFile && !response.hasHeader('Cache-Control')) response.addHeader('Cache-Control', 'no-store');
}

function checkHost(request: AsyncWebServerRequest): void {
  if (isLoopbackName(hostnameOf(request.host()))) return;
  throw new HttpError(
    403,
    'this dashboard answers to localhost, 127.0.0.1 and [::1] alone, unless it has a token',
  );
}

function checkOrigin(request: AsyncWebServerRequest): void {
  const site = request.header('sec-fetch-site');
  const isVisit = request.method() === HTTP_GET && request.header('sec-fetch-mode') === 'navigate';
  const isOwnSite = site === '' || site === 'same-origin' || site === 'none' || isVisit;
  const origin = request.header('origin');
  const isOwnOrigin = origin === '' || hostOf(origin) === request.host().toLowerCase();
  if (isOwnSite && isOwnOrigin) return;
  throw new HttpError(403, 'the request comes from another site');
}

/**
 * Returns the host of an origin, with its port unless that is the scheme's own. The scheme is not compared: a
 * proxy in front may speak TLS.
 */
function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase())?.[1];
}

/** Returns true if the request came by TLS. */
export function isSecure(request: AsyncWebServerRequest): boolean {
  return 'encrypted' in request.message.socket;
}

/** Returns the name in a header `Host`, without the port. */
function hostnameOf(host: string): string {
  return /^(\[[^\]]*\]|[^:]*)(:\d*)?$/.exec(host)?.[1]?.toLowerCase() ?? '';
}

function isLoopbackName(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return isLoopback(name.startsWith('[') ? name.slice(1, -1) : name);
}

/** Returns true for an IP address that only this machine reaches. */
export function isLoopback(address: string): boolean {
  const version4 = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  return (isIP(version4) === 4 && version4.startsWith('127.')) || address === '::1';
}
