/** Reads the body of a request for a handler: forms, files, and all else. */
import type { BodySinks } from '../handlers/handler.js';
import type { Limits } from '../limits.js';
import type { AsyncWebServerRequest } from './request.js';
import { HttpError } from '../http-error.js';

/** Returns true if a request has a body (RFC 9112 §6.3). */
export function hasBody({ message }: AsyncWebServerRequest): boolean {
  const { headers } = message;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Yields the pieces of a body.
 * @throws HttpError with 413 if there are more than `limitBytes`.
 */
export async function* piecesOf(request: AsyncWebServerRequest, limitBytes: number): AsyncGenerator<Buffer> {
  if (request.contentLength() > limitBytes) throw new HttpError(413);
  let bytes = 0;
  for await (const piece of request.message as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > limitBytes) throw new HttpError(413);
    yield piece;
  }
}

/**
 * Returns a whole body.
 * @throws HttpError with 413 if it has more than `limitBytes`.
 */
export async function wholeBody(request: AsyncWebServerRequest, limitBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of piecesOf(request, limitBytes)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Reads the body: parameters go into the request, all else to `sinks`. */
export async function readBody(
  request: AsyncWebServerRequest,
  sinks: BodySinks,
  limits: Limits,
): Promise<void> {
  let index = 0;
  const total = request.contentLength();
  for await (const piece of piecesOf(request, limits.uploadBytes)) {
    await sinks.handleBody?.(request, piece, index, total);
    index += piece.length;
  }
}
