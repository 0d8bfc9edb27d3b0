/** The functions that write to a client. All of them share the client's one stream (`byte-stream.ts`). */
import type { AsyncClient } from '../asynctcp/async-client.js';
import { show } from '../asynctcp/check.js';
import { ErrorCode } from '../port/error-code.js';
import { harmless } from '../asynctcp/flush-waiters.js';
import { TcpError } from '../asynctcp/tcp-error.js';
import { streamOf, type ByteStream } from './byte-stream.js';
import { checkData, checkPrefix, checkWait, type PrefixOptions, type WaitOptions } from './options.js';
import { framed } from './readings.js';
import { COPY } from './write-queue.js';

/** Options of the write of a message. */
export interface WriteMessageOptions extends WaitOptions, PrefixOptions {}

/**
 * Writes data of any size, and waits for space as often as it must. Several writes at once leave in the
 * order of the calls. While a client connects, its writes wait.
 * @param data bytes, or a string, which is sent as UTF-8. Bytes stay unchanged until the promise resolves.
 * @returns a promise that resolves when `add` has taken all. It is rejected with a TcpError: `ERR_ABRT` by
 *   the signal; `ERR_CONN` for a client that was never connected; `ERR_CLSD` after `end`, `shutdown` or
 *   `close`; if the client ends before, the code of `onError` or `ERR_CLSD`. To ignore the rejection does no
 *   harm. If the signal comes when a part was taken already, the connection is reset.
 * @throws TypeError for wrong arguments.
 */
export function write(
  client: AsyncClient,
  data: string | Uint8Array,
  options: WaitOptions = {},
): Promise<void> {
  const signal = checkWait(options);
  const bytes = checkData(data);
  // No other code has the bytes of a text: they need no copy.
  return writeBytes(client, bytes, typeof data === 'string' ? 0 : COPY, signal);
}

/**
 * Writes a line, as `write` does: the text and LF.
 * @throws RangeError for a text with LF in it, which would be two lines.
 */
export function writeLine(client: AsyncClient, line: string, options: WaitOptions = {}): Promise<void> {
  const signal = checkWait(options);
  if (typeof line !== 'string') throw new TypeError(`line must be a string, not ${show(line)}`);
  if (line.includes('\n')) throw new RangeError(`line must have no line feed in it, not ${show(line)}`);
  return writeBytes(client, checkData(`${line}\n`), 0, signal);
}

/**
 * Writes a message with its length in front, as `write` does.
 * @throws RangeError for a message whose length needs more bytes than `prefixBytes`.
 */
export function writeMessage(
  client: AsyncClient,
  message: string | Uint8Array,
  options: WriteMessageOptions = {},
): Promise<void> {
  const signal = checkWait(options);
  const { prefixBytes, byteOrder } = checkPrefix(options);
  const bytes = checkData(message);
  const most = 256 ** prefixBytes - 1;
  if (bytes.length > most) {
    throw new RangeError(`message must have at most ${most} bytes, not ${bytes.length}`);
  }
  return writeBytes(client, framed(bytes, prefixBytes, byteOrder), 0, signal);
}

/**
 * Sends FIN behind all writes. Receiving goes on.
 * @returns a promise that resolves when the FIN is given to the stack, or when the client was closed before.
 *   It is rejected as that of `write`.
 * @throws TypeError for wrong arguments.
 */
export function end(client: AsyncClient, options: WaitOptions = {}): Promise<void> {
  const signal = checkWait(options);
  const stream = streamOf(client);
  return stream === undefined ? notConnected('end a connection') : stream.writes.finish(signal);
}

function writeBytes(
  client: AsyncClient,
  bytes: Uint8Array,
  flags: Parameters<ByteStream['writes']['write']>[1],
  signal: AbortSignal | undefined,
): Promise<void> {
  const stream = streamOf(client);
  return stream === undefined ? notConnected('write') : stream.writes.write(bytes, flags, signal);
}

function notConnected(action: string): Promise<void> {
  return harmless(Promise.reject(new TcpError(ErrorCode.ERR_CONN, action)));
}
