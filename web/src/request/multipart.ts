/**
 * Reads `multipart/form-data` (RFC 7578): fields become parameters, files go to a handler piece by piece.
 * @fastify/busboy parses.
 */
import { Busboy, Dicer, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { HttpError } from '../http-error.js';
import type { Limits } from '../limits.js';
import { eachPiece, isPromise } from './body-reader.js';
import type { BodySinks } from './body-sinks.js';
import { AsyncWebParameter } from './parameter.js';
import type { AsyncWebServerRequest } from './request.js';

/**
 * Reads a form. A file that no sink takes is dropped; its parameter is there all the same.
 * @throws HttpError with 400 for what is no such form, or has too many or too long headers in a part; with
 *   413 for more than `limits` allow.
 */
export async function readMultipart(
  request: AsyncWebServerRequest,
  sinks: BodySinks,
  limits: Limits,
): Promise<void> {
  const reader = new MultipartReader(request, sinks, limits);
  await eachPiece(request, limits.uploadBytes, async (piece) => {
    await reader.write(piece);
    return !request.isSent();
  });
  if (!request.isSent()) await reader.end();
}

class MultipartReader {
  readonly #request: AsyncWebServerRequest;
  readonly #sinks: BodySinks;
  readonly #limits: Limits;
  readonly #busboy: BusboyInstance;
  /** Calls of sinks that are due, in order: those of one piece of the body. */
  #calls: (() => unknown)[] = [];
  /** Begin to read the files that the parser has found, in order: the first one is being read. */
  readonly #files: (() => void)[] = [];
  #fieldBytes = 0;
  /** Those that the piece that is parsed has brought. */
  #pieceBytes = 0;
  #isFinished = false;
  #failure: HttpError | undefined;
  #reject: ((error: HttpError) => void) | undefined;

  constructor(request: AsyncWebServerRequest, sinks: BodySinks, limits: Limits) {
    this.#request = request;
    this.#sinks = sinks;
    this.#limits = limits;
    this.#busboy = makeBusboy(request, limits);
    this.#busboy
      .on('file', (name, file, filename) => {
        this.#file(name, file, filename);
      })
      .on('field', (name, value, _isNameCut, isValueCut) => {
        this.#field(name, value, isValueCut);
      })
      .on('partsLimit', () => {
        this.#fail(413);
      })
      .on('error', (error) => {
        this.#fail(400, error);
      })
      .on('finish', () => {
        this.#isFinished = true;
      });
    this.#watchHeaders();
  }

  /** Parses a piece, and calls the sinks with what it had of files. */
  async write(piece: Buffer): Promise<void> {
    this.#pieceBytes = 0;
    await this.#step((done) => this.#busboy.write(piece, done));
    // The parser keeps the beginning of a field until its end.
    this.#request.hold(this.#files.length === 0 ? piece.length : this.#pieceBytes);
    await this.#callSinks();
  }

  /** Parses the end. */
  async end(): Promise<void> {
    await this.#step((done) => {
      if (this.#isFinished) done();
      else this.#busboy.once('finish', done).end();
    });
    await this.#callSinks();
  }

  /**
   * Lets the parser do a step. It needs no further turn of the event loop: one that is not done by then never
   * would be, and the form is refused.
   */
  #step(run: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setImmediate(() => {
        this.#fail(400);
      });
      this.#reject = (error) => {
        clearImmediate(late);
        reject(error);
      };
      if (this.#failure !== undefined) this.#reject(this.#failure);
      else {
        run(() => {
          clearImmediate(late);
          if (this.#failure === undefined) resolve();
        });
      }
    });
  }

  #fail(code: number, cause?: unknown): void {
    this.#failure ??= new HttpError(code, undefined, { cause });
    this.#reject?.(this.#failure);
  }

  async #callSinks(): Promise<void> {
    // Further calls may be added meanwhile.
    for (let call = this.#calls.shift(); call !== undefined; call = this.#calls.shift()) {
      const called = call();
      if (isPromise(called)) await called;
    }
  }

  #field(name: string | undefined, value: string, isCut: boolean): void {
    if (name === undefined) {
      this.#fail(400);
      return;
    }
    const parameter = new AsyncWebParameter(name, value, 'post');
    if (isCut || !this.#hasRoom(name, parameter.size())) this.#fail(413);
    else this.#request.addParam(parameter);
  }

  /** Counts the bytes that are held in memory. Returns false if there are too many. */
  #hasRoom(name: string, bytes: number): boolean {
    const held = Buffer.byteLength(name) + bytes;
    this.#fieldBytes += held;
    this.#pieceBytes += held;
    return this.#fieldBytes <= this.#limits.bodyBytes;
  }

  #file(name: string | undefined, file: BusboyFileStream, filename = ''): void {
    file.on('error', () => {
      // The parser's own error is the one that is answered.
    });
    if (name === undefined) this.#fail(400);
    else if (!this.#hasRoom(name, Buffer.byteLength(filename))) this.#fail(413);
    const sinks = this.#sinks;
    let index = 0;
    const pass = (data: Buffer, isFinal: boolean): void => {
      const at = index;
      index += data.length;
      if (sinks.handleUpload === undefined || this.#failure !== undefined) return;
      this.#calls.push(() => sinks.handleUpload?.(this.#request, filename, at, data, isFinal));
    };
    const begin = (): void => {
      file.on('data', (data: Buffer) => {
        pass(data, false);
      });
    };
    if (this.#files.push(begin) === 1) begin();
    file.once('end', () => {
      // A form whose user has chosen no file has one without a name and bytes.
      if (filename !== '' || index > 0) pass(Buffer.alloc(0), true);
      this.#request.addParam(new AsyncWebParameter(name ?? '', filename, 'file', index));
      this.#files.shift();
      this.#files[0]?.();
    });
  }

  /** Refuses headers that busboy would cut, or drop with their part, without a word. */
  #watchHeaders(): void {
    const parser: unknown = Reflect.get(this.#busboy, '_parser');
    const dicer: unknown = typeof parser === 'object' && parser !== null && Reflect.get(parser, 'parser');
    if (!(dicer instanceof Dicer)) return;
    dicer.on('part', (part) => {
      part.on('header', (headers) => {
        if (!areGood(headers, this.#limits)) this.#fail(400);
      });
    });
  }
}

/** Bytes of a header beside its name, colon and value: a space and the line break. */
const UNCOUNTED_BYTES = 3;

function makeBusboy(request: AsyncWebServerRequest, limits: Limits): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': request.contentType() },
      preservePath: true,
      limits: {
        fieldSize: limits.bodyBytes,
        parts: limits.params,
        headerPairs: limits.headers + 1,
        headerSize: limits.headerBytes + UNCOUNTED_BYTES * (limits.headers + 1),
      },
    });
  } catch (error) {
    throw new HttpError(400, 'the form has no boundary', { cause: error });
  }
}

function areGood(headers: object, limits: Limits): boolean {
  let count = 0;
  let bytes = 0;
  for (const [name, values] of Object.entries(headers) as [string, string[]][]) {
    count += values.length;
    for (const value of values) bytes += name.length + 1 + value.length;
  }
  return 'content-disposition' in headers && count <= limits.headers && bytes < limits.headerBytes;
}
