/** Passes the pieces of a body on, one after the other. */
import { HttpError } from '../http-error.js';
import type { AsyncWebServerRequest } from './request.js';

/**
 * Takes a piece of a body. A promise holds the next piece up: node:http stops reading, and the window of the
 * connection closes. `false`: no further piece is wanted.
 */
export type TakePiece = (piece: Buffer) => unknown;

/**
 * Reads the body, once. Fulfilled at its end.
 * @throws HttpError with 413 if there are more than `limitBytes`: before one is read if `Content-Length` says
 *   so; with 503 if the server has too many requests at its end. Error if the client goes before the end, or
 *   if the body was read before.
 */
export async function eachPiece(
  request: AsyncWebServerRequest,
  limitBytes: number,
  take: TakePiece,
): Promise<void> {
  if (request.contentLength() > limitBytes) throw new HttpError(413);
  request.takeBody();
  try {
    await new Promise<void>((resolve, reject) => {
      read(request, limitBytes, take, (error?: unknown) => {
        if (error === undefined) resolve();
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a program's own.
        else reject(error);
      });
    });
  } catch (error) {
    request.endBody();
    throw error;
  }
  const { retryAfterS } = request.limits;
  if (!request.endBody()) throw new HttpError(503, undefined, { retryAfterS });
}

function read(
  request: AsyncWebServerRequest,
  limitBytes: number,
  take: TakePiece,
  done: (error?: unknown) => void,
): void {
  const { message } = request;
  let bytes = 0;
  let isOver = false;
  let isHeld = false;
  let isAtEnd = false;
  const finish = (error?: unknown): void => {
    if (isOver) return;
    isOver = true;
    message.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    // The rest is dropped when the answer has left.
    message.pause();
    done(error);
  };
  const onData = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes > limitBytes) {
      finish(new HttpError(413));
      return;
    }
    try {
      const taken = take(piece);
      if (taken === false) finish();
      else if (isPromise(taken)) hold(taken);
    } catch (error) {
      finish(error);
    }
  };
  const hold = (taken: PromiseLike<unknown>): void => {
    isHeld = true;
    message.pause();
    taken.then((answer) => {
      isHeld = false;
      if (answer === false || isAtEnd) finish();
      else if (!isOver) message.resume();
    }, finish);
  };
  const onEnd = (): void => {
    // The end of a paused stream comes as soon as its last piece was taken.
    isAtEnd = true;
    if (!isHeld) finish();
  };
  const onClose = (): void => {
    if (!isAtEnd) finish(new Error('the client has gone before the end of the body'));
  };
  const stop = (): void => {
    finish(new Error('the request has been answered before the end of its body'));
  };
  request.beginBody(stop);
  message.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  if (message.destroyed) onClose();
  else message.resume();
}

/** Returns true for what can be awaited. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
