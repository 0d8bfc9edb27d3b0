/** Answers a client whose bytes node:http cannot read as a request, or does not get in time. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Limits } from './limits.js';
import { Reply } from './request/reply.js';

const STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * Ends a connection: with an answer, unless one has begun to leave. Bytes that the client still sends are
 * dropped within the bounds, since a reset may cost it the answer (RFC 9112 §9.6).
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, limits: Limits): void {
  const code = STATUS[error.code ?? ''] ?? (error.code?.startsWith('HPE_') === true ? 400 : undefined);
  const reply: unknown = Reflect.get(socket, '_httpMessage');
  const hasBegun = reply instanceof Reply && reply.headersSent;
  // Other errors are those of a connection that is over, or of a handshake of TLS.
  if (code === undefined || hasBegun || !socket.writable) {
    socket.destroy(error);
    return;
  }
  // The parser gets no more bytes: no handler sees what follows.
  socket.removeAllListeners('data');
  socket.end(
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
  // Its client is as good as gone: the reply cannot leave any more.
  if (reply instanceof Reply) reply.emit('close');
  dropAll(socket, limits);
}

/**
 * Drops what comes behind the last request of a connection, whose answers are still due. They end it: only
 * the bytes are bounded.
 */
export function ignoreRest(socket: Socket, limits: Limits): void {
  // The parser gets no more bytes. It still reads what it has.
  socket.removeAllListeners('data');
  countDropped(socket, limits);
}

function countDropped(socket: Socket, limits: Limits): void {
  let bytes = 0;
  socket.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > limits.dropBytes) socket.destroy();
  });
}

/** Drops what comes on a connection that has been ended, within the bounds. */
export function dropAll(socket: Socket, limits: Limits): void {
  const timer = setTimeout(() => {
    socket.destroy();
  }, limits.dropMs).unref();
  countDropped(socket, limits);
  socket.once('close', () => {
    clearTimeout(timer);
  });
  socket.resume();
}
