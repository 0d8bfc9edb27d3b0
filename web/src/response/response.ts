/**
 * An answer: status, headers and a body. A subclass for each kind of body.
 *
 * Call order: the setters → `prepare` → `start`, once, by the request.
 */
import { type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import { AsyncWebHeader } from '../header.js';

/** Statuses that have no body (RFC 9110 §6.4.1). */
function hasNoBody(code: number): boolean {
  return code === 204 || code === 205 || code === 304;
}

export abstract class AsyncWebServerResponse {
  #code: number;
  #contentType: string;
  #contentLength: number | undefined;
  /** Names and values in turn. */
  #headers: string[] | undefined;

  /**
   * Makes an answer.
   * @param contentType value of `Content-Type`; empty: no such header.
   * @param contentLength bytes of the body; `undefined`: chunked, or until the connection is closed.
   * @throws TypeError for a type that no header may have, such as one with a line break.
   */
  constructor(code: number, contentType: string, contentLength: number | undefined) {
    this.#code = checkedCode(code);
    this.#contentType = checkedType(contentType);
    this.#contentLength = contentLength;
  }

  /** Returns the status code. */
  code(): number {
    return this.#code;
  }

  /** Sets the status code, 200 to 599. */
  setCode(code: number): this {
    this.#code = checkedCode(code);
    return this;
  }

  /** Returns the value of `Content-Type`; empty if there is none. */
  contentType(): string {
    return this.#contentType;
  }

  /**
   * Sets the value of `Content-Type`; empty: no such header.
   * @throws TypeError for a value that no header may have, such as one with a line break.
   */
  setContentType(contentType: string): this {
    this.#contentType = checkedType(contentType);
    return this;
  }

  /** Returns the bytes of the body; `undefined` if they are not known before it is sent. */
  contentLength(): number | undefined {
    return this.#contentLength;
  }

  protected setLength(bytes: number | undefined): void {
    this.#contentLength = bytes;
  }

  /**
   * Adds a header.
   * @param replaceExisting if a header of the same name is replaced; otherwise there are two. Default: true.
   * @throws TypeError for a name or a value that no header may have, such as one with a line break.
   */
  addHeader(name: string, value: string | number, replaceExisting = true): this {
    const text = String(value);
    validateHeaderName(name);
    validateHeaderValue(name, text);
    if (replaceExisting) this.removeHeader(name);
    (this.#headers ??= []).push(name, text);
    return this;
  }

  /** Removes the headers of a name. Returns true if there was one. */
  removeHeader(name: string): boolean {
    const headers = this.#headers;
    if (headers === undefined) return false;
    const wanted = name.toLowerCase();
    let isFound = false;
    for (let at = headers.length - 2; at >= 0; at -= 2) {
      if (headers[at]?.toLowerCase() !== wanted) continue;
      headers.splice(at, 2);
      isFound = true;
    }
    return isFound;
  }

  /** Returns the first header of a name. */
  getHeader(name: string): AsyncWebHeader | undefined {
    const wanted = name.toLowerCase();
    return this.headers().find((header) => header.name().toLowerCase() === wanted);
  }

  hasHeader(name: string): boolean {
    return this.getHeader(name) !== undefined;
  }

  /** Returns the headers that were added, in order. */
  headers(): AsyncWebHeader[] {
    const headers = this.#headers ?? [];
    const list: AsyncWebHeader[] = [];
    for (let at = 0; at < headers.length; at += 2) {
      list.push(new AsyncWebHeader(headers[at] ?? '', headers[at + 1] ?? ''));
    }
    return list;
  }

  /**
   * Sends the answer.
   * @param defaults headers of the server, names and values in turn, unless the answer has them.
   * @returns a promise for a body that is not sent at once, fulfilled when all of it is written.
   */
  start(reply: ServerResponse, defaults: readonly string[]): Promise<void> | undefined {
    reply.writeHead(this.#code, this.#head(defaults));
    if (reply.req.method === 'HEAD' || hasNoBody(this.#code)) {
      reply.end();
      this.discard();
      return undefined;
    }
    return this.sendBody(reply);
  }

  /** Called by the request before `start`: fixes what the head says of the body. */
  prepare(): void {
    // Most answers know it from the beginning.
  }

  #head(defaults: readonly string[]): string[] {
    const head: string[] = [];
    if (!hasNoBody(this.#code)) {
      if (this.#contentLength !== undefined) head.push('Content-Length', String(this.#contentLength));
      if (this.#contentType !== '') head.push('Content-Type', this.#contentType);
    }
    for (let at = 0; at < defaults.length; at += 2) {
      const name = defaults[at] ?? '';
      if (this.#headers === undefined || !this.hasHeader(name)) head.push(name, defaults[at + 1] ?? '');
    }
    if (this.#headers !== undefined) head.push(...this.#headers);
    return head;
  }

  /** Sends the body and ends the reply. */
  protected abstract sendBody(reply: ServerResponse): Promise<void> | undefined;

  /** Frees what the body holds: it is not sent. */
  discard(): void {
    // Most bodies hold nothing.
  }
}

function checkedType(contentType: string): string {
  if (contentType !== '') validateHeaderValue('Content-Type', contentType);
  return contentType;
}

function checkedCode(code: number): number {
  if (Number.isInteger(code) && code >= 200 && code <= 599) return code;
  throw new RangeError(`code must be 200 to 599; it is ${code}`);
}
