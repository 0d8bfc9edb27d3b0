/**
 * Finds the part of a file that a request gets: by its range, and by what the client has already (RFC 9110
 * §13, §14).
 * `@fastify/send` decides. It is asked as for HEAD, so that it opens nothing: the file is open already.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { send } from '@fastify/send';
import { versionOf, type WebFile } from './web-file.js';

/** The part of a file that is sent. */
export interface Part {
  /** 200, 206, 304, 412 or 416. */
  readonly code: number;
  readonly start: number;
  readonly end: number;
  /** Headers, names and values in turn. */
  readonly headers: readonly string[];
}

const OPTIONS = { cacheControl: false, contentType: false, dotfiles: 'allow', index: false } as const;

/** Dates before and behind those of all files. */
const EARLY = new Date(-1).toUTCString();
const LATE = new Date(8.64e15).toUTCString();

/** Headers of the answer that are `send`'s business. */
const COPIED = ['Accept-Ranges', 'Last-Modified', 'ETag', 'Content-Range'];

/** Returns true if a request asks for less than a whole file. */
export function hasConditions({ headers }: IncomingMessage): boolean {
  return (
    headers['if-none-match'] !== undefined ||
    headers['if-modified-since'] !== undefined ||
    headers.range !== undefined ||
    headers['if-match'] !== undefined ||
    headers['if-unmodified-since'] !== undefined
  );
}

/** Returns the headers that tell a file's version from others; none if the file has been replaced. */
export async function validatorsOf(file: WebFile): Promise<readonly string[]> {
  return (await ask(file, {}))?.headers ?? [];
}

/**
 * Returns the part that a request gets. A file that has been replaced since it was opened is sent whole.
 * @param modified a date in place of the file's own.
 */
export async function partOf(
  { method, headers }: IncomingMessage,
  file: WebFile,
  modified?: Date,
): Promise<Part> {
  const conditions = conditionsOf(headers, method === 'GET', file.size);
  const part = await ask(file, modified === undefined ? conditions : asOf(modified, conditions));
  return part ?? { code: 200, start: 0, end: file.size, headers: file.validators ?? [] };
}

async function ask(file: WebFile, headers: IncomingHttpHeaders): Promise<Part | undefined> {
  // `send` reads these two of a request.
  const request = { method: 'HEAD', headers } as unknown as IncomingMessage;
  const { statusCode, headers: given, metadata } = await send(request, encodeURI(file.path), OPTIONS);
  if ('stat' in metadata && versionOf(metadata.stat) !== file.version) return undefined;
  if (!('stat' in metadata) && statusCode !== 412 && statusCode !== 416) return undefined;
  const range = /^bytes (?<first>\d+)-(?<last>\d+)\//.exec(given['Content-Range'] ?? '')?.groups;
  return {
    code: statusCode,
    start: range === undefined ? 0 : Number(range['first']),
    end: range === undefined ? file.size : Number(range['last']) + 1,
    headers: COPIED.flatMap((name) => {
      const value = given[name];
      // The version changes with each millisecond and size, as a strong validator does (RFC 9110 §8.8.1).
      return value === undefined ? [] : [name, name === 'ETag' ? value.replace(/^W\//, '') : value];
    }),
  };
}

/** Returns the headers that `send` looks at, where it reads them differently from RFC 9110. */
function conditionsOf(given: IncomingHttpHeaders, hasRanges: boolean, size: number): IncomingHttpHeaders {
  const headers = { ...given };
  const ifRange = textOf(given['if-range']);
  // Only GET has ranges, and a weak validator has none (§14.2, §13.1.5).
  if (!hasRanges || ifRange?.startsWith('W/') === true) delete headers.range;
  // `send` compares with its own weak validator.
  if (ifRange?.startsWith('"') === true) headers['if-range'] = `W/${ifRange}`;
  // A suffix that is longer than the file is the whole file (§14.1.2).
  const suffix = /^ *bytes=-(?<bytes>\d+) *$/.exec(headers.range ?? '')?.groups?.['bytes'];
  if (suffix !== undefined && size > 0 && Number(suffix) > size) headers.range = 'bytes=0-';
  return headers;
}

/** Returns headers by which `send` decides as if the file were of another date. */
function asOf(modified: Date, conditions: IncomingHttpHeaders): IncomingHttpHeaders {
  const headers = { ...conditions };
  const dates = { since: headers['if-modified-since'], until: headers['if-unmodified-since'] };
  const ifRange = textOf(headers['if-range']);
  // HTTP's dates have no milliseconds.
  const atMs = Date.parse(modified.toUTCString());
  if (dates.since !== undefined)
    headers['if-modified-since'] = atMs <= Date.parse(dates.since) ? LATE : EARLY;
  if (dates.until !== undefined)
    headers['if-unmodified-since'] = atMs > Date.parse(dates.until) ? EARLY : LATE;
  if (ifRange === undefined || ifRange.includes('"')) return headers;
  if (Date.parse(ifRange) === atMs) delete headers['if-range'];
  else delete headers.range;
  return headers;
}

/** Returns the header `If-Range`, of which node:http keeps the first only. */
function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
