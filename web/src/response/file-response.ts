/** An answer whose body is a file, or a part of it. */
import type { ServerResponse } from 'node:http';
import { basename } from 'node:path/posix';
import { hasConditions, partOf, type Part } from '../files/conditions.js';
import { attachmentOf } from '../files/content-disposition.js';
import { contentTypeOf } from '../files/content-type.js';
import type { Found } from '../files/search.js';
import { LateValueError, type Template } from '../files/template.js';
import { HttpError } from '../http-error.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { pump, type Pieces } from './pump.js';
import { AsyncWebServerResponse } from './response.js';

export interface FileResponseOptions {
  /** Value of `Content-Type`. Default: by the name of the file. */
  contentType?: string | undefined;
  /** The client keeps the file under its name, and does not show it. */
  download?: boolean | undefined;
  /** Replaces names in the file. Such an answer has no ranges, and is asked for each time. */
  template?: Template | undefined;
  /** Value of `Cache-Control`. */
  cacheControl?: string | undefined;
  /** Date in place of the file's own. */
  lastModified?: Date | undefined;
}

/** A file, or what finds it when the answer leaves: 'absent' is a 404. */
export type FileSource = Found | (() => Found | 'absent' | Promise<Found | 'absent'>);

export class AsyncFileResponse extends AsyncWebServerResponse {
  readonly #request: AsyncWebServerRequest;
  readonly #source: FileSource;
  readonly #options: FileResponseOptions;
  #found: Found | undefined;
  #start = 0;
  /** Headers unless the program has set them, names and values in turn. */
  #given: readonly string[] = [];
  /** The body, if it is not a part of the file. */
  #content: Buffer | string | undefined;
  #isDiscarded = false;

  /** Makes an answer. It closes the file. */
  constructor(request: AsyncWebServerRequest, source: FileSource, options: FileResponseOptions = {}) {
    super(200, options.contentType ?? '', undefined);
    this.#request = request;
    this.#source = source;
    this.#options = options;
    if (typeof source !== 'function') this.#found = source;
  }

  override start(reply: ServerResponse, defaults: readonly string[]): Promise<void> | undefined {
    const found = this.#found;
    const isAtHand = found?.file.bytes !== undefined && this.#options.template === undefined;
    if (!isAtHand || (this.code() === 200 && hasConditions(reply.req))) {
      return this.#startLater(reply, defaults);
    }
    this.#describe(found, whole(found));
    return super.start(reply, this.#headers(defaults));
  }

  /** Returns the headers of the answer unless the program has set them: the file's, then the server's. */
  #headers(defaults: readonly string[]): readonly string[] {
    const given = this.#given;
    if (defaults.length === 0) return given;
    const known = new Set(given.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()));
    const others = defaults.filter((_, at) => !known.has(defaults[at - (at % 2)]?.toLowerCase() ?? ''));
    return [...given, ...others];
  }

  async #startLater(reply: ServerResponse, defaults: readonly string[]): Promise<void> {
    try {
      await this.#find();
    } catch (error) {
      const isMeant = error instanceof HttpError;
      this.#refuse(isMeant ? error : new HttpError(error instanceof LateValueError ? 503 : 500));
      await this.#leave(reply, defaults);
      if (!isMeant) throw error;
      return;
    }
    await this.#leave(reply, defaults);
  }

  async #leave(reply: ServerResponse, defaults: readonly string[]): Promise<void> {
    if (reply.destroyed || this.#isDiscarded) this.discard();
    else await super.start(reply, this.#headers(defaults));
  }

  async #find(): Promise<void> {
    const source = this.#source;
    const found = typeof source === 'function' ? await source() : source;
    if (found === 'absent') throw new HttpError(404);
    this.#found = found;
    if (this.#isDiscarded) this.discard();
    const { template, lastModified } = this.#options;
    if (template !== undefined) await this.#fillIn(found, template);
    else if (this.code() !== 200) this.#describe(found, whole(found));
    else this.#describe(found, await partOf(this.#request.message, found.file, lastModified));
  }

  /** Replaces the names in a file that is in memory; a larger one while it is sent. */
  async #fillIn(found: Found, template: Template): Promise<void> {
    const { bytes } = found.file;
    this.#describe(found, undefined);
    if (bytes === undefined) return;
    const pieces: Buffer[] = [];
    for await (const piece of template.replaced([bytes], this.#request)) pieces.push(Buffer.from(piece));
    this.#content = Buffer.concat(pieces);
    this.setLength(this.#content.length);
  }

  /** Sets status and headers. */
  #describe({ path, isGzip, varies }: Found, part: Part | undefined): void {
    const { cacheControl = part === undefined ? 'no-cache' : '', download, lastModified } = this.#options;
    if (this.contentType() === '') this.setContentType(contentTypeOf(path));
    const given: string[] = [];
    if (part !== undefined) {
      this.#start = part.start;
      this.setLength(part.end - part.start);
      // Another status than 200 is the program's: its content is not the file's.
      if (this.code() === 200) {
        given.push(...part.headers);
        if (part.code >= 400) this.#refuse(new HttpError(part.code));
        else this.setCode(part.code);
      }
    }
    const dated = lastModified === undefined ? -1 : given.indexOf('Last-Modified');
    if (dated >= 0) given[dated + 1] = lastModified?.toUTCString() ?? '';
    this.#given = given;
    if (varies) given.push('Vary', 'Accept-Encoding');
    if (this.#content !== undefined) return;
    if (isGzip) given.push('Content-Encoding', 'gzip');
    if (cacheControl !== '') given.push('Cache-Control', cacheControl);
    if (download === true) given.push('Content-Disposition', attachmentOf(basename(path)));
  }

  #refuse(error: HttpError): void {
    this.#given = [];
    this.setCode(error.code).setContentType('text/plain');
    this.#content = error.message;
    this.setLength(Buffer.byteLength(error.message));
  }

  protected override sendBody(reply: ServerResponse): Promise<void> | undefined {
    const file = this.#found?.file;
    if (this.#content !== undefined || file === undefined) {
      reply.end(this.#content);
      this.discard();
      return undefined;
    }
    const bytes = this.contentLength();
    if (file.bytes !== undefined && bytes !== undefined) {
      reply.end(bytes === file.size ? file.bytes : file.bytes.subarray(this.#start, this.#start + bytes));
      return undefined;
    }
    const { template } = this.#options;
    const pieces: Pieces =
      template === undefined
        ? file.pieces(this.#start, this.#start + (bytes ?? file.size))
        : template.replaced(file.pieces(0, file.size), this.#request);
    return pump(reply, pieces, bytes, () => this.#isDiscarded).finally(() => {
      file.close();
    });
  }

  override discard(): void {
    this.#isDiscarded = true;
    this.#found?.file.close();
  }
}

function whole({ file }: Found): Part {
  return { code: 200, start: 0, end: file.size, headers: file.validators ?? [] };
}
