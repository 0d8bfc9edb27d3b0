/** A handler that answers by the files of a folder: `server.serveStatic`. */
import { fileAt, run, type Found, type GzipRule, type Search } from '../files/search.js';
import { acceptsGzip } from '../files/gzip.js';
import { namesOf } from '../files/safe-path.js';
import { Template, type TemplateProcessor, type TemplateFunction } from '../files/template.js';
import { WebFolder } from '../files/web-folder.js';
import { answers, HTTP_GET } from '../methods.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncBasicResponse } from '../response/basic-response.js';
import { AsyncFileResponse } from '../response/file-response.js';
import { AsyncWebServerResponse } from '../response/response.js';
import { AsyncWebHandler } from './handler.js';

/** Files that answer for their folder. */
const DEFAULT_FILES = ['index.htm', 'index.html'];

export class AsyncStaticWebHandler extends AsyncWebHandler {
  override readonly methods = HTTP_GET;
  readonly #uri: string;
  readonly #folder: WebFolder;
  readonly #path: string;
  #isDir: boolean | undefined;
  #defaultFiles: readonly string[] = DEFAULT_FILES;
  #gzip: GzipRule = 'first';
  #cacheControl: string | undefined;
  #lastModified: Date | undefined;
  #template: Template | undefined;

  /**
   * Makes a handler of the paths at and below `uri`.
   * @param folder a folder, or its path on the system.
   * @param path the file, or the folder, below `folder` that answers for `uri`.
   * @param cacheControl as `setCacheControl`.
   * @throws RangeError for a path that leads out of the folder.
   */
  constructor(uri: string, folder: WebFolder | string, path = '/', cacheControl?: string) {
    super();
    if (namesOf(trimmed(path), true) === undefined)
      throw new RangeError(`path must be one below the folder, such as /www; it is ${path}`);
    this.#uri = trimmed(uri.startsWith('/') ? uri : `/${uri}`);
    this.#folder = typeof folder === 'string' ? new WebFolder(folder) : folder;
    this.#path = trimmed(path);
    if (path !== '/' && path.endsWith('/')) this.#isDir = true;
    if (cacheControl !== undefined) this.setCacheControl(cacheControl);
  }

  /** Sets if `path` is a folder, which is not looked at then, or a file. Default: it is looked at. */
  setIsDir(isDir: boolean): this {
    this.#isDir = isDir;
    return this;
  }

  /** Sets the names of the file that answers for its folder, in order; none: a folder has no answer. */
  setDefaultFile(...names: string[]): this {
    this.#defaultFiles = names.filter((name) => name !== '');
    return this;
  }

  /** Sets the header `Cache-Control`, such as 'max-age=600'; empty: no such header. */
  setCacheControl(cacheControl: string): this {
    this.#cacheControl = cacheControl === '' ? undefined : cacheControl;
    return this;
  }

  /**
   * Sets a date in place of each file's own.
   * @param date `undefined`: the file's own.
   * @throws RangeError for a text that is no date.
   */
  setLastModified(date: Date | string | undefined): this {
    const modified = date === undefined ? undefined : new Date(date);
    if (Number.isNaN(modified?.getTime())) throw new RangeError(`date must be a date; it is ${String(date)}`);
    this.#lastModified = modified;
    return this;
  }

  /** Sets if `name.gz` is sent for `name` when there are both. Default: true. */
  setTryGzipFirst(isFirst: boolean): this {
    this.#gzip = isFirst ? 'first' : 'last';
    return this;
  }

  /** Replaces `%NAME%` in all files, for the names of a record or a map. */
  setTemplateProcessor(processor: TemplateProcessor | undefined): this;
  /** Replaces `%NAME%` in all files by what a function returns for the listed names. */
  setTemplateProcessor(processor: TemplateFunction, names: Iterable<string>): this;
  setTemplateProcessor(
    processor: TemplateProcessor | TemplateFunction | undefined,
    names: Iterable<string> = [],
  ): this {
    this.#template = processor === undefined ? undefined : new Template(processor, names);
    return this;
  }

  override matches(request: AsyncWebServerRequest): boolean {
    // Another method has no answer here: it is not known yet if there is a file.
    if (!this.answers(request)) return false;
    const url = request.url();
    const uri = this.#uri;
    return url.startsWith(uri) && (url.length === uri.length || url[uri.length] === '/');
  }

  override answers(request: AsyncWebServerRequest): boolean {
    return answers(HTTP_GET, request.method());
  }

  override holds(request: AsyncWebServerRequest): boolean | Promise<boolean> {
    const rest = request.url().slice(this.#uri.length);
    const accepts = acceptsGzip(request.message.headers['accept-encoding']);
    const result = run(this.#folder, this.#search(rest, accepts));
    return result instanceof Promise
      ? result.then((later) => this.#keep(request, later))
      : this.#keep(request, result);
  }

  *#search(rest: string, accepts: boolean): Search<Found | 'folder' | 'absent'> {
    const gzip = this.#template === undefined ? this.#gzip : 'never';
    const path = this.#path + rest;
    if (rest.endsWith('/')) return yield* this.#defaultFile(path, gzip, accepts);
    const isDir = rest === '' ? this.#isDir : undefined;
    const seen = isDir === true ? 'folder' : yield* fileAt(path, gzip, accepts);
    if (seen !== 'folder' || isDir === false) return seen;
    const found = yield* this.#defaultFile(`${path}/`, gzip, accepts);
    if (found !== 'absent') found.file.close();
    return found === 'absent' ? found : 'folder';
  }

  *#defaultFile(folder: string, gzip: GzipRule, accepts: boolean): Search<Found | 'absent'> {
    for (const name of this.#defaultFiles) {
      const seen = yield* fileAt(folder + name, gzip, accepts);
      if (typeof seen !== 'string') return seen;
    }
    return 'absent';
  }

  #keep(request: AsyncWebServerRequest, found: Found | 'folder' | 'absent'): boolean {
    if (found === 'absent') return false;
    if (found === 'folder') {
      request.held = redirectInto(request);
      return true;
    }
    const response = new AsyncFileResponse(request, found, {
      cacheControl: this.#cacheControl,
      lastModified: this.#lastModified,
      template: this.#template,
    });
    request.held = response;
    // Middleware may answer in place of the file, and the client may go before.
    if (found.file.bytes === undefined) {
      request.onDisconnect(() => {
        response.discard();
      });
    }
    return true;
  }

  override handleRequest(request: AsyncWebServerRequest): void {
    if (request.held instanceof AsyncWebServerResponse) request.send(request.held);
    else request.send(404);
  }

  override route(): string {
    return `${this.#uri}/*`;
  }
}

/** Sends a client from a folder's name to the folder, so that the links of its default file are right. */
function redirectInto(request: AsyncWebServerRequest): AsyncWebServerResponse {
  const names = request.url().split('/').map(encodeURIComponent);
  // A relative one is right behind a proxy, too, that has cut the beginning of the path.
  const path = request.isRewritten() ? absolute(names.join('/')) : `./${names.at(-1) ?? ''}`;
  const query = request.query() === '' ? '' : `?${request.query()}`;
  return new AsyncBasicResponse(302).addHeader('Location', `${path}/${query}`);
}

/** Returns a path that is none of a host: two slashes at the beginning would be (RFC 3986 §4.2). */
function absolute(path: string): string {
  return path.startsWith('//') ? `/.${path}` : path;
}

function trimmed(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
