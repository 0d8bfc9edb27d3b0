/** A request as the web's `Request`. */
import type { TLSSocket } from 'node:tls';
import { HttpError } from '../http-error.js';
import type { Limits } from '../limits.js';
import { hasBody } from './body.js';
import { eachPiece } from './body-reader.js';
import type { AsyncWebServerRequest } from './request.js';
import { hostOfTarget } from './target.js';

/** Methods that `Request` does not allow (Fetch §2.2.1). */
const FORBIDDEN = /^(?:CONNECT|TRACE|TRACK)$/;

export interface FetchRequest {
  readonly request: Request;
  /** Returns the error with which the body broke off. */
  readonly bodyError: () => unknown;
}

/**
 * Makes a `Request`. Its body is read when the program reads it; its signal is the request's.
 * @throws HttpError with 400 for a header `Host` that names no host, 413 for a body that is too long, and 501
 *   for a method that `Request` does not allow.
 */
export function fetchRequestOf(request: AsyncWebServerRequest, limits: Limits): FetchRequest {
  const { message } = request;
  const method = request.methodToString();
  if (FORBIDDEN.test(method)) throw new HttpError(501);
  const url = absoluteUrl(request);
  const init: RequestInit = { method, headers: headersOf(request), signal: request.signal };
  if (method === 'GET' || method === 'HEAD' || !hasBody(message)) {
    return { request: new Request(url, init), bodyError: () => undefined };
  }
  if (request.contentLength() > limits.uploadBytes) throw new HttpError(413);
  const body = new BodyStream(request, limits.uploadBytes);
  return {
    request: new RequestWithBody(url, { ...init, duplex: 'half' }, body),
    bodyError: () => body.error,
  };
}

function absoluteUrl(request: AsyncWebServerRequest): string {
  const { message } = request;
  const host = hostOf(request);
  // `in`: a plain socket has no such property.
  const isTls = (message.socket as Partial<TLSSocket>).encrypted === true;
  const query = request.query();
  const url = `${isTls ? 'https' : 'http'}://${host}${request.encodedUrl()}${query && `?${query}`}`;
  if (!URL.canParse(url)) throw new HttpError(400);
  return url;
}

/** Returns the host: the target's own comes before the header (RFC 9112 §3.2.2). */
function hostOf({ message }: AsyncWebServerRequest): string {
  const { rawHeaders, url = '' } = message;
  const at = rawHeaders.findIndex((name, place) => place % 2 === 0 && name.toLowerCase() === 'host');
  // Middleware may have freed the header.
  const host = hostOfTarget(url) ?? (at < 0 ? '' : rawHeaders[at + 1]);
  if (host !== undefined && host !== '') return host;
  // HTTP/1.0 has no such header, but a URL has a host.
  if (message.httpVersionMinor === 0) return 'localhost';
  throw new HttpError(400);
}

function headersOf(request: AsyncWebServerRequest): [string, string][] {
  return request.headers().map((header) => [header.name(), header.value()]);
}

/** Its body counts as held in memory if the program asks for it as a whole, or for a copy. */
class RequestWithBody extends Request {
  readonly #body: BodyStream;

  constructor(url: string, init: RequestInit, body: BodyStream) {
    super(url, { ...init, body: body.stream });
    this.#body = body;
  }

  hold(): void {
    this.#body.isHeld = true;
  }
}

for (const name of ['arrayBuffer', 'blob', 'bytes', 'clone', 'formData', 'json', 'text']) {
  const method: unknown = Reflect.get(Request.prototype, name);
  if (typeof method !== 'function') continue;
  const value = function (this: RequestWithBody, ...args: unknown[]): unknown {
    this.hold();
    return Reflect.apply(method, this, args);
  };
  Object.defineProperty(RequestWithBody.prototype, name, { value, writable: true, configurable: true });
}

/** The body as a stream of the web: a piece is read only when the stream has space for it. */
class BodyStream {
  readonly stream: ReadableStream<Uint8Array>;
  error: unknown;
  /** True if the program keeps the pieces. */
  isHeld = false;
  readonly #request: AsyncWebServerRequest;
  readonly #limitBytes: number;
  #isBegun = false;
  #isCancelled = false;
  #pull: (() => void) | undefined;

  constructor(request: AsyncWebServerRequest, limitBytes: number) {
    this.#request = request;
    this.#limitBytes = limitBytes;
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          if (this.#isBegun) this.#pull?.();
          else void this.#read(controller);
        },
        cancel: () => {
          this.#isCancelled = true;
          this.#pull?.();
        },
      },
      { highWaterMark: 0 },
    );
  }

  async #read(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#isBegun = true;
    try {
      await eachPiece(this.#request, this.#limitBytes, (piece) => {
        if (this.#isCancelled) return false;
        if (this.isHeld) this.#request.hold(piece.length);
        controller.enqueue(piece);
        return new Promise<boolean>((resolve) => {
          this.#pull = () => {
            resolve(!this.#isCancelled);
          };
        });
      });
      if (!this.#isCancelled) controller.close();
    } catch (error) {
      this.error = error;
      if (!this.#isCancelled) controller.error(error);
    }
  }
}
