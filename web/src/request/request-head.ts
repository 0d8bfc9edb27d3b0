/** The head of a request: method, path, headers and parameters; those of a form are added. */
import { clientOf } from 'asynctcp/net';
import type { AsyncClient } from 'asynctcp';
import type { IncomingMessage } from 'node:http';
import { AsyncWebHeader } from '../header.js';
import { methodBit } from '../methods.js';
import { AsyncWebParameter } from './parameter.js';
import { hostOfTarget, type Target } from './target.js';

export class RequestHead {
  /** Node's own request, for what has no name here. */
  readonly message: IncomingMessage;
  readonly #method: number;
  #target: Target;
  #isRewritten = false;
  #params: AsyncWebParameter[] | undefined;
  #pathArgs: readonly string[] = [];
  #attributes: Map<string, unknown> | undefined;

  constructor(message: IncomingMessage, target: Target) {
    this.message = message;
    this.#method = methodBit(message.method ?? '');
    this.#target = target;
  }

  /** Returns the connection's client; `undefined` when it is over. */
  client(): AsyncClient | undefined {
    return clientOf(this.message.socket);
  }

  /** Returns the method's bit: `HTTP_GET`, … */
  method(): number {
    return this.#method;
  }

  /** Returns the method's name. */
  methodToString(): string {
    return this.message.method ?? '';
  }

  /** Returns the decoded path, without the query; a rewritten one after a rewrite. */
  url(): string {
    return this.#target.path;
  }

  /** Returns the path as it was sent, with its percent-encoded characters. */
  encodedUrl(): string {
    return this.#target.encodedPath;
  }

  /** Returns the query as it was sent, without the question mark. */
  query(): string {
    return this.#target.query;
  }

  /** Returns 1 for HTTP/1.1 and 0 for HTTP/1.0. */
  version(): number {
    return this.message.httpVersionMinor;
  }

  /**
   * Returns the host and port that the client asks: those of the target if that is a URL (RFC 9112 §3.2.2),
   * otherwise the header `Host`; empty if there is none.
   */
  host(): string {
    return hostOfTarget(this.message.url ?? '') ?? this.header('host');
  }

  /** Returns the header `Content-Type`; empty if there is none. */
  contentType(): string {
    return this.header('content-type');
  }

  /** Returns the header `Content-Length`; 0 if there is none. */
  contentLength(): number {
    return Number(this.header('content-length'));
  }

  /** Returns true for a body of several parts, as a form with files has it. */
  multipart(): boolean {
    return /^multipart\//i.test(this.contentType());
  }

  /** Returns all headers, in order. */
  headers(): AsyncWebHeader[] {
    const { rawHeaders } = this.message;
    const list: AsyncWebHeader[] = [];
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] ?? '';
      if (this.hasHeader(name)) list.push(new AsyncWebHeader(name, rawHeaders[at + 1] ?? ''));
    }
    return list;
  }

  /** Returns true if there is a header of the name. */
  hasHeader(name: string): boolean {
    return Object.hasOwn(this.message.headers, name.toLowerCase());
  }

  /** Returns a header; several of one name are joined by commas. */
  getHeader(name: string): AsyncWebHeader | undefined {
    return this.hasHeader(name) ? new AsyncWebHeader(name, this.header(name)) : undefined;
  }

  /** Returns the value of a header; empty if there is none. */
  header(name: string): string {
    const { headers } = this.message;
    const known = name.toLowerCase();
    // Other names than those of headers are those of all objects, such as `constructor`.
    const value = Object.hasOwn(headers, known) ? headers[known] : undefined;
    return Array.isArray(value) ? value.join(', ') : (value ?? '');
  }

  /** Forgets a header: middleware that frees what no handler reads. */
  removeHeader(name: string): boolean {
    return this.hasHeader(name) && Reflect.deleteProperty(this.message.headers, name.toLowerCase());
  }

  // ---- parameters

  /** Returns the parameters: those of the query, and, when the body has been read, of the form and files. */
  params(): readonly AsyncWebParameter[] {
    return (this.#params ??= parseQuery(this.#target.query));
  }

  /** Adds a parameter of the body. Called while it is read. */
  addParam(parameter: AsyncWebParameter): void {
    this.params();
    this.#params?.push(parameter);
  }

  /** Returns true if there is a parameter: of the query; with `post`, of the form; with `file`, a file. */
  hasParam(name: string, post = false, file = false): boolean {
    return this.getParam(name, post, file) !== undefined;
  }

  /** Returns a parameter by its name, as `hasParam`, or by its place among all. */
  getParam(name: string | number, post = false, file = false): AsyncWebParameter | undefined {
    const params = this.params();
    if (typeof name === 'number') return params[name];
    return params.find(
      (param) => param.name() === name && param.isPost() === (post || file) && param.isFile() === file,
    );
  }

  /** Returns the number of parameters. */
  args(): number {
    return this.params().length;
  }

  /** Returns true if there is a parameter of the name, of whatever kind. */
  hasArg(name: string): boolean {
    return this.params().some((param) => param.name() === name);
  }

  /** Returns the value of a parameter, of whatever kind, by its name or place; empty if there is none. */
  arg(name: string | number): string {
    const params = this.params();
    const found = typeof name === 'number' ? params[name] : params.find((param) => param.name() === name);
    return found?.value() ?? '';
  }

  /** Returns the name of the parameter at a place; empty if there is none. */
  argName(place: number): string {
    return this.params()[place]?.name() ?? '';
  }

  /** Returns a group of the matcher's regular expression, from 0 on; empty if there is none. */
  pathArg(place: number): string {
    return this.#pathArgs[place] ?? '';
  }

  /** Called by the server with the groups of the handler's matcher. */
  setPathArgs(groups: readonly string[]): void {
    this.#pathArgs = groups;
  }

  /** Sets another path and query: a rewrite. */
  rewrite(target: Target): void {
    this.#target = target;
    this.#isRewritten = true;
    this.#params = undefined;
  }

  /** Returns true if the path is another one than the client asked for. */
  isRewritten(): boolean {
    return this.#isRewritten;
  }

  // ---- attributes

  /** Returns a value that middleware or a handler has set. */
  getAttribute(name: string): unknown {
    return this.#attributes?.get(name);
  }

  /** Keeps a value with the request. */
  setAttribute(name: string, value: unknown): void {
    (this.#attributes ??= new Map()).set(name, value);
  }

  hasAttribute(name: string): boolean {
    return this.#attributes?.has(name) === true;
  }
}

function parseQuery(query: string): AsyncWebParameter[] {
  if (query === '') return [];
  return Array.from(
    new URLSearchParams(query),
    ([name, value]) => new AsyncWebParameter(name, value, 'query'),
  );
}
