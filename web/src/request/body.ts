/** Reads the body of a request for a handler: forms, files, and all else. */
import type { IncomingMessage } from 'node:http';
import { HttpError } from '../http-error.js';
import type { Limits } from '../limits.js';
import { eachPiece } from './body-reader.js';
import type { BodySinks } from './body-sinks.js';
import { HeldBody } from './held-body.js';
import { readMultipart } from './multipart.js';
import { AsyncWebParameter } from './parameter.js';
import type { AsyncWebServerRequest } from './request.js';
import { countParams } from './target.js';

/** Returns true if a request has a body (RFC 9112 §6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Returns the type of a body in lower case, without its parameters. */
export function mediaType(request: AsyncWebServerRequest): string {
  return (request.contentType().split(';', 1)[0] ?? '').trim().toLowerCase();
}

/**
 * Reads the body as far as its type and `sinks` ask for it: forms become parameters, files and all else go to
 * `sinks`. A body that is no form and has no sink is left to `request.bodyBytes()`.
 * @throws HttpError with 413 for a body beyond its limit, and 400 for a form that cannot be read.
 */
export async function readBody(
  request: AsyncWebServerRequest,
  sinks: BodySinks,
  limits: Limits,
): Promise<void> {
  if (isForm(request)) {
    requireNoEncoding(request);
    if (mediaType(request) === MULTIPART) await readMultipart(request, sinks, limits);
    else await readUrlEncoded(request, limits);
    return;
  }
  if (request.contentLength() > limits.uploadBytes) throw new HttpError(413);
  if (sinks.handleBody === undefined) return;
  const total = request.contentLength();
  if (request.isBodyRead()) {
    // Middleware has read it.
    await sinks.handleBody(request, await request.bodyBytes(), 0, total);
    return;
  }
  let index = 0;
  await eachPiece(request, limits.uploadBytes, (piece) => {
    if (request.isSent()) return false;
    const taken = sinks.handleBody?.(request, piece, index, total);
    index += piece.length;
    return taken === false ? undefined : taken;
  });
}

/**
 * Returns a whole body that is no form.
 * @throws HttpError with 413 if it has more than `limitBytes`, and 415 for a form.
 */
export async function wholeBody(request: AsyncWebServerRequest, limitBytes: number): Promise<Buffer> {
  if (!hasBody(request.message)) return Buffer.alloc(0);
  if (isForm(request)) throw new HttpError(415);
  return heldBody(request, limitBytes);
}

async function heldBody(request: AsyncWebServerRequest, limitBytes: number): Promise<Buffer> {
  const body = new HeldBody(request);
  await eachPiece(request, limitBytes, (piece) => {
    body.add(piece);
  });
  return body.bytes();
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Decodes a body.
 * @throws HttpError with 400 if it is no UTF-8, and 415 if it is compressed or in another charset.
 */
export function textOf(request: AsyncWebServerRequest, bytes: Uint8Array): string {
  requireNoEncoding(request);
  const charset = /;\s*charset="?(?<name>[^\s";]+)/i.exec(request.contentType())?.groups?.['name'];
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset)) throw new HttpError(415);
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new HttpError(400, 'the body is not UTF-8');
  }
}

/** Parses a body of JSON. @throws HttpError with 400 if it is none, and 415 for another type. */
export function jsonOf(request: AsyncWebServerRequest, bytes: Uint8Array): unknown {
  if (!isJson(request)) throw new HttpError(415);
  const text = textOf(request, bytes);
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'the body is not JSON');
  }
}

/** Returns true if the type of a body is JSON's, or is based on it (RFC 6839 §3.1). */
export function isJson(request: AsyncWebServerRequest): boolean {
  return /^(?:application\/json|[^/]+\/[^/]+\+json)$/.test(mediaType(request));
}

const URL_ENCODED = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data';

function isForm(request: AsyncWebServerRequest): boolean {
  const type = mediaType(request);
  return type === URL_ENCODED || type === MULTIPART;
}

/** Refuses a body that is compressed. */
export function requireNoEncoding(request: AsyncWebServerRequest): void {
  if (!/^(?:identity)?$/i.test(request.header('content-encoding'))) throw new HttpError(415);
}

async function readUrlEncoded(request: AsyncWebServerRequest, limits: Limits): Promise<void> {
  const text = (await heldBody(request, limits.bodyBytes)).toString();
  if (countParams(text) > limits.params) throw new HttpError(413);
  for (const [name, value] of new URLSearchParams(text)) {
    request.addParam(new AsyncWebParameter(name, value, 'post'));
  }
}
