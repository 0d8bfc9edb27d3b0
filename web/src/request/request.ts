/**
 * One request and its answer. A request is known by its head when it is made: middleware and filters look at
 * that; the body, if it has one, is read after them.
 *
 * Call order: `send` (or `abort`), once. The answer leaves when the chain of middleware has ended, so that
 * middleware may still add headers to it; from then on it leaves at once.
 */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { AsyncAuthType, DEFAULT_REALM } from '../auth/auth-type.js';
import { Authentication } from '../auth/authentication.js';
import { Credentials, type DigestAlgorithm } from '../auth/credentials.js';
import type { TemplateProcessor } from '../files/template.js';
import type { WebFolder } from '../files/web-folder.js';
import { HttpError } from '../http-error.js';
import type { EndConnection } from '../lasting.js';
import type { Limits } from '../limits.js';
import { AsyncBasicResponse } from '../response/basic-response.js';
import { fileResponse } from '../response/file-answer.js';
import type { AwsResponseFiller } from '../response/filler.js';
import { locationOf } from '../response/location.js';
import {
  AsyncCallbackResponse,
  AsyncChunkedResponse,
  type BodySource,
} from '../response/piecewise-response.js';
import { AsyncResponseStream } from '../response/print-response.js';
import type { Pieces } from '../response/pump.js';
import { AsyncWebServerResponse } from '../response/response.js';
import { hasBody, isJson, jsonOf, textOf, wholeBody } from './body.js';
import { dropRestAfter } from './drop-rest.js';
import type { Reply } from './reply.js';
import { RequestHead } from './request-head.js';
import type { RequestHost } from './request-host.js';
import type { Target } from './target.js';
import { detach } from './upgrade.js';

/**
 * `chain`: the middleware runs. `open`: it has ended. `answered`: the answer leaves. `gone`: the client has
 * gone before.
 */
type Phase = 'chain' | 'open' | 'answered' | 'gone';

/** `reading`: its pieces come. `read`: no more of them are wanted. */
type BodyState = 'unread' | 'reading' | 'read';

export class AsyncWebServerRequest extends RequestHead {
  /** The handler that answers it, for a log. */
  handler: { route(): string } | undefined;
  /** Kept by the handler from `holds` to `handleRequest`. */
  held: unknown;
  /** Node's own reply, for what has no name here. */
  readonly reply: Reply;
  readonly #host: RequestHost;
  #phase: Phase = 'chain';
  #response: AsyncWebServerResponse | undefined;
  #disconnectHandlers: (() => unknown)[] | undefined;
  #answerHandlers: ((response: AsyncWebServerResponse) => void)[] | undefined;
  #authentication: Authentication | undefined;
  #controller: AbortController | undefined;
  #isPaused = false;
  #isClosed = false;
  #bodyState: BodyState = 'unread';
  #stopBody: (() => void) | undefined;
  /** Set if the client waits to be asked for its body. */
  #keepsAlive: boolean | undefined;
  #body: Promise<Buffer> | undefined;
  #isLasting = false;
  /** True while it counts as one of the server's requests at once. */
  #isCounted = true;
  #heldBytes = 0;

  /** Made by the server. */
  constructor(host: RequestHost, message: IncomingMessage, reply: Reply, target: Target) {
    super(message, target);
    this.#host = host;
    this.reply = reply;
  }

  /** Bounds of the server. */
  get limits(): Limits {
    return this.#host.limits;
  }

  /** The server, as far as handlers need it. */
  get server(): RequestHost {
    return this.#host;
  }

  // ---- the body

  /**
   * Returns the whole body. It is empty if there is none.
   * @param maxBytes default: the limit `bodyBytes`.
   * @throws HttpError with 413 for a longer one, 415 for a form, which has become parameters, and 503 if the
   *   server has too much to do. Error if a handler has taken the body piece by piece.
   */
  bodyBytes(maxBytes = this.#host.limits.bodyBytes): Promise<Buffer> {
    return (this.#body ??= wholeBody(this, maxBytes));
  }

  /**
   * Returns the whole body as text.
   * @throws as `bodyBytes`; HttpError with 400 for what is no UTF-8, and 415 for another charset.
   */
  async bodyText(maxBytes?: number): Promise<string> {
    return textOf(this, await this.bodyBytes(maxBytes));
  }

  /**
   * Returns the value of a body of JSON.
   * @throws as `bodyBytes`; HttpError with 400 for what is no JSON, and 415 for another type.
   */
  async bodyJson(maxBytes?: number): Promise<unknown> {
    if (!isJson(this)) throw new HttpError(415);
    return jsonOf(this, await this.bodyBytes(maxBytes));
  }

  /**
   * Called by the server for a client that sends its body only when it is asked for.
   * @param keepsAlive if the connection stays open behind an answer that follows the body.
   */
  awaitContinue(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive;
  }

  /** Called by the reader of the body, before all else. @throws Error if there is one already. */
  takeBody(): void {
    if (this.#bodyState !== 'unread') throw new Error('the body has been read already');
    this.#bodyState = 'reading';
    this.#leaveLoad();
  }

  /**
   * Called by the reader of the body: asks for it, if the client waits for that.
   * @param stop called when the answer has left, and the rest of the body is to be dropped.
   */
  beginBody(stop: () => void): void {
    this.#stopBody = stop;
    if (this.#keepsAlive === undefined || this.reply.headersSent) return;
    this.reply.shouldKeepAlive = this.#keepsAlive;
    this.reply.writeContinue();
  }

  /**
   * Called by the reader of the body when it wants no more of it: from now on the request counts again.
   * Returns false if it is one too many.
   */
  endBody(): boolean {
    this.#bodyState = 'read';
    this.#stopBody = undefined;
    this.#host.onBodyRead(this);
    if (this.#isClosed || this.#isLasting || this.hasLeft()) return true;
    // An answer that is there already is sent.
    if (this.#host.load.isFull() && !this.isSent()) return false;
    this.#isCounted = true;
    this.#host.load.enter();
    return true;
  }

  /**
   * Called by the reader of the body with a number of bytes that it keeps until the request is over.
   * @throws HttpError with 503 if all requests together keep too many, and 413 if this one does so alone.
   */
  hold(bytes: number): void {
    if (this.#isClosed) return;
    this.#heldBytes += bytes;
    if (this.#host.load.hold(bytes)) return;
    const { heldBytes, retryAfterS } = this.#host.limits;
    throw this.#heldBytes > heldBytes ? new HttpError(413) : new HttpError(503, undefined, { retryAfterS });
  }

  #leaveLoad(): void {
    if (this.#isCounted) this.#host.load.leave();
    this.#isCounted = false;
  }

  /** Returns true if the body has been read, or is being read. */
  isBodyRead(): boolean {
    return this.#bodyState !== 'unread';
  }

  /** Returns true while the body is being read, and its end has not come. */
  isReadingBody(): boolean {
    return this.#bodyState === 'reading' && !this.message.complete;
  }

  // ---- authentication

  /** Proof of the client's identity by its header `Authorization`. For middleware; see `authenticate`. */
  get authentication(): Authentication {
    return (this.#authentication ??= new Authentication(this.message, this.#host.nonces));
  }

  /**
   * Returns true if the client has proved, by basic or digest authentication, that it knows the password.
   * @param realm that of `requestAuthentication`.
   * @param passwordIsHash true if `password` is what `generateDigestHash` returned.
   * @throws RangeError for a name, a hash or a realm that cannot be.
   */
  authenticate(username: string, password: string, realm = DEFAULT_REALM, passwordIsHash = false): boolean {
    const credentials = passwordIsHash
      ? Credentials.ofHash(username, password, realm)
      : Credentials.ofPassword(username, password, realm);
    return this.authentication.isBasicOrDigest(credentials);
  }

  /**
   * As `authenticate`, with name, realm and hash in one text, joined by colons.
   * @throws RangeError for another text.
   */
  authenticateHash(hash: string): boolean {
    return this.authentication.isBasicOrDigest(Credentials.ofLine(hash));
  }

  /**
   * Answers that the client must prove who it is: 401 with a challenge; 403 for a type that has none.
   * @param message text of the answer. Default: the status's name.
   * @param algorithms those of digest, the preferred one first. Default: SHA-256 and MD5.
   */
  requestAuthentication(
    type: AsyncAuthType = AsyncAuthType.AUTH_DIGEST,
    realm = DEFAULT_REALM,
    message?: string,
    algorithms?: readonly DigestAlgorithm[],
  ): void {
    const { code, challenges } = this.authentication.refusal(type, realm, algorithms);
    const response = new AsyncBasicResponse(code, 'text/plain', message ?? STATUS_CODES[code]);
    for (const challenge of challenges) response.addHeader('WWW-Authenticate', challenge, false);
    this.#answer(response);
  }

  // ---- the client goes

  /** Aborted when the client has gone before it had its answer. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#phase === 'gone') this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Calls `handler` when the connection is over, or the answer has been sent; at once if that is so. */
  onDisconnect(handler: () => unknown): void {
    if (this.#isClosed) this.#callDisconnected(handler);
    else (this.#disconnectHandlers ??= []).push(handler);
  }

  /** Called by the server when the reply is over, sent or not. Further calls do nothing. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.reply.writableFinished && this.#phase !== 'gone') {
      this.#phase = 'gone';
      this.#response?.discard();
      this.#controller?.abort();
      this.#host.onAnswered(this);
    }
    this.#leaveLoad();
    if (this.#heldBytes > 0) this.#host.load.release(this.#heldBytes);
    for (const handler of this.#disconnectHandlers?.splice(0) ?? []) this.#callDisconnected(handler);
  }

  #callDisconnected(handler: () => unknown): void {
    const failed = (error: unknown): void => {
      this.#host.onFailed(this, 'its function for a disconnect threw', error);
    };
    try {
      const returned = handler();
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  // ---- the answer

  /**
   * Answers: with a status, a type and a content; with a response that was made before; or, of a type and a
   * known length, with what a filler or a stream gives; with a file.
   * @throws Error if the request has an answer already.
   */
  send(response: AsyncWebServerResponse): void;
  send(code: number, contentType?: string, content?: string | Uint8Array): void;
  send(contentType: string, bytes: number, source: AwsResponseFiller | Pieces): void;
  /**
   * Answers with a file: 404 if there is none.
   * @param folder a folder, or its path on the system.
   * @param path names below the folder, with slashes between them.
   * @param contentType default: by the name of the file.
   * @param download the client keeps the file under its name, and does not show it.
   * @param templateProcessor replaces `%NAME%` in the file.
   */
  send(
    folder: WebFolder | string,
    path: string,
    contentType?: string,
    download?: boolean,
    templateProcessor?: TemplateProcessor,
  ): void;
  send(
    first: AsyncWebServerResponse | WebFolder | number | string,
    second?: string | number,
    third?: string | Uint8Array | AwsResponseFiller | Pieces,
    download?: boolean,
    templateProcessor?: TemplateProcessor,
  ): void {
    if (first instanceof AsyncWebServerResponse) this.#answer(first);
    else this.#answer(this.#makeResponse(first, second, third, download, templateProcessor));
  }

  /** Answers in chunks, from a filler, an iterable or a stream, which is asked only when there is space. */
  sendChunked(contentType: string, source: BodySource): void {
    this.#answer(new AsyncChunkedResponse(contentType, source));
  }

  /** Makes a response to be changed before it is sent. Arguments as those of `send`. */
  beginResponse(code: number, contentType?: string, content?: string | Uint8Array): AsyncWebServerResponse;
  beginResponse(
    contentType: string,
    bytes: number,
    source: AwsResponseFiller | Pieces,
  ): AsyncWebServerResponse;
  beginResponse(
    folder: WebFolder | string,
    path: string,
    contentType?: string,
    download?: boolean,
    templateProcessor?: TemplateProcessor,
  ): AsyncWebServerResponse;
  beginResponse(
    first: WebFolder | number | string,
    second?: string | number,
    third?: string | Uint8Array | AwsResponseFiller | Pieces,
    download?: boolean,
    templateProcessor?: TemplateProcessor,
  ): AsyncWebServerResponse {
    return this.#makeResponse(first, second, third, download, templateProcessor);
  }

  #makeResponse(
    first: WebFolder | number | string,
    second: string | number | undefined,
    third: string | Uint8Array | AwsResponseFiller | Pieces | undefined,
    download: boolean | undefined,
    processor: TemplateProcessor | undefined,
  ): AsyncWebServerResponse {
    if (typeof first === 'number' || typeof second !== 'string') return makeResponse(first, second, third);
    if (third !== undefined && typeof third !== 'string') throw new TypeError('a type must be text');
    return fileResponse(this, first, second, { contentType: third, download }, processor);
  }

  /** As `sendChunked`: makes the response only. */
  beginChunkedResponse(contentType: string, source: BodySource): AsyncWebServerResponse {
    return new AsyncChunkedResponse(contentType, source);
  }

  /** Makes a response that is printed. */
  beginResponseStream(contentType: string): AsyncResponseStream {
    return new AsyncResponseStream(contentType);
  }

  /**
   * Sends the client to another URL.
   * @param url a URL, or a path; spaces and characters that are not ASCII are encoded.
   * @throws TypeError for a URL with a control character, such as a line break.
   */
  redirect(url: string, code = 302): void {
    this.#answer(new AsyncBasicResponse(code).addHeader('Location', locationOf(url)));
  }

  /**
   * Calls `handler` with the answer just before it leaves: with one that comes late, too, and with one that
   * replaces another. The place to add headers to every answer.
   */
  onAnswer(handler: (response: AsyncWebServerResponse) => void): void {
    (this.#answerHandlers ??= []).push(handler);
  }

  #answer(response: AsyncWebServerResponse): void {
    if (this.#phase === 'gone') {
      response.discard();
      return;
    }
    if (this.#phase === 'answered')
      throw new Error(`${this.methodToString()} ${this.url()} has an answer already`);
    this.#response?.discard();
    this.#response = response;
    this.#isPaused = false;
    if (this.#phase === 'open') this.#leave(response);
  }

  /** Called by the server when the chain of middleware has ended: the answer leaves. */
  open(): void {
    if (this.#phase !== 'chain') return;
    this.#phase = 'open';
    if (this.#response !== undefined) this.#leave(this.#response);
  }

  /** Completes an answer. If that fails, the request has none: another one may be sent. */
  #complete(response: AsyncWebServerResponse): void {
    const before = this.#phase;
    this.#phase = 'answered';
    try {
      if (this.#answerHandlers !== undefined) for (const handler of this.#answerHandlers) handler(response);
      response.prepare();
    } catch (error) {
      this.#phase = before;
      this.#response = undefined;
      this.#answerHandlers = undefined;
      response.discard();
      throw error;
    }
  }

  #leave(response: AsyncWebServerResponse): void {
    this.#complete(response);
    this.#leaveLoad();
    this.#host.onAnswered(this);
    if (!this.message.complete && hasBody(this.message)) {
      dropRestAfter(this.reply, this.message, this.#host.limits, () => this.#stopBody?.());
    }
    const sending = response.start(this.reply, this.#host.defaultHeaders);
    sending?.catch((error: unknown) => {
      this.#host.onBodyFailed(this, error);
    });
  }

  /** Returns the answer, before or after it was sent. */
  getResponse(): AsyncWebServerResponse | undefined {
    return this.#response;
  }

  /** Answers in place of a handler that has failed. */
  replace(code: number, text: string, retryAfterS?: number): void {
    if (this.hasLeft()) return;
    this.#response?.discard();
    const response = new AsyncBasicResponse(code, 'text/plain', text);
    if (retryAfterS !== undefined) response.addHeader('Retry-After', retryAfterS);
    this.#response = response;
    this.#leave(response);
  }

  /**
   * Called by a handler whose protocol takes the connection over. From now on the reply is none of the
   * connection's.
   * @param end called when the server ends.
   */
  upgraded(end: EndConnection): void {
    this.#phase = 'answered';
    this.#host.onAnswered(this);
    this.#last(detach(this.reply), end);
  }

  /**
   * Called by a handler whose answer has no end: it does not count as a request any more.
   * @param end called when the server ends.
   */
  lasts(end: EndConnection): void {
    this.#last(this.message.socket, end);
  }

  #last(socket: Socket, end: EndConnection): void {
    this.#leaveLoad();
    this.#isLasting = true;
    this.#host.onLasting(socket, end);
  }

  /** Returns true if the answer has begun to leave, or the client has gone. */
  hasLeft(): boolean {
    return this.#phase === 'answered' || this.#phase === 'gone';
  }

  /** Returns true if the client has gone before it had its answer. */
  isGone(): boolean {
    return this.#phase === 'gone';
  }

  /** Returns true if the request has its answer, or needs none any more. */
  isSent(): boolean {
    return this.#response !== undefined || this.hasLeft();
  }

  /**
   * Puts the answer off, for as long as the program needs: no time limit runs. Returns a reference by which
   * the request can be answered later.
   */
  pause(): AsyncWebServerRequestPtr {
    this.#isPaused = true;
    return { lock: () => (this.#phase === 'gone' ? undefined : this) };
  }

  isPaused(): boolean {
    return this.#isPaused;
  }

  /** Ends the connection without an answer. */
  abort(): void {
    this.reply.destroy();
  }
}

/** Refers to a request whose client may go at any time. */
export interface AsyncWebServerRequestPtr {
  /** Returns the request; `undefined` if its client has gone. */
  lock(): AsyncWebServerRequest | undefined;
}

function makeResponse(
  first: WebFolder | number | string,
  second: string | number | undefined,
  third: string | Uint8Array | AwsResponseFiller | Pieces | undefined,
): AsyncWebServerResponse {
  if (typeof first === 'number') {
    const isContent = third === undefined || typeof third === 'string' || third instanceof Uint8Array;
    if (isContent && typeof second !== 'number') return new AsyncBasicResponse(first, second, third);
    throw new TypeError('content must be text or bytes');
  }
  if (typeof first !== 'string' || typeof second !== 'number' || third === undefined)
    throw new TypeError('a length and a source must be given');
  return new AsyncCallbackResponse(first, second, third instanceof Uint8Array ? [third] : third);
}
