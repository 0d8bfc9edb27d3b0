/** Options of reads and writes, and their checks. */
import { checkInteger, checkOptions, checkSignal, MAX_WINDOW_BYTES, show } from '../asynctcp/check.js';
import { viewOfForeign } from '../support/realm.js';
import { PREFIX_BYTES, type ByteOrder, type PrefixBytes } from './readings.js';

/** Bytes of one line or message if the program sets no other limit. */
export const DEFAULT_LIMIT_BYTES = 65_536;
/** The most that one read may ask for, in bytes: 1 GiB, as the largest receive window. */
export const MAX_READ_BYTES = MAX_WINDOW_BYTES;
/** Most bytes of a delimiter. */
export const MAX_DELIMITER_BYTES = 256;

const DEFAULT_PREFIX_BYTES = 4;
const BYTE_ORDERS = ['big', 'little'] as const;

/** Options of everything that waits. */
export interface WaitOptions {
  /**
   * Ends the wait: its promise is rejected with the TcpError `ERR_ABRT`, whose cause is the signal's reason.
   * On Node 20, a signal that more than ten waits share at once needs `setMaxListeners(0, signal)` of
   * `node:events`.
   */
  signal?: AbortSignal | undefined;
}

/** Options of a read up to a delimiter. */
export interface LimitOptions extends WaitOptions {
  /**
   * The most bytes of the line or the message, 1 to 1073741824; its delimiter or prefix is not counted.
   * Default 65536.
   */
  limit?: number | undefined;
}

/** Form of the length that stands in front of a message. */
export interface PrefixOptions {
  /** Bytes of the length: 1, 2 or 4. Default 4. */
  prefixBytes?: PrefixBytes | undefined;
  /** Order of the bytes of the length. Default `big`, the network's. */
  byteOrder?: ByteOrder | undefined;
}

/** Options of a read of messages. */
export interface MessageOptions extends LimitOptions, PrefixOptions {}

export function checkWait(options: WaitOptions): AbortSignal | undefined {
  checkOptions(options);
  return checkSignal('signal', options.signal);
}

export function checkLimit({ limit = DEFAULT_LIMIT_BYTES }: LimitOptions): number {
  return checkInteger('limit', limit, 1, MAX_READ_BYTES, ' bytes');
}

export function checkPrefix(options: PrefixOptions): { prefixBytes: PrefixBytes; byteOrder: ByteOrder } {
  const { prefixBytes = DEFAULT_PREFIX_BYTES, byteOrder = 'big' } = options;
  return {
    prefixBytes: checkOneOf('prefixBytes', prefixBytes, PREFIX_BYTES),
    byteOrder: checkOneOf('byteOrder', byteOrder, BYTE_ORDERS),
  };
}

function checkOneOf<T>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new RangeError(`${name} must be one of ${allowed.join(', ')}, not ${show(value)}`);
}

const encoder = new TextEncoder();

/** Returns the bytes of a text or of a `Uint8Array` of any realm. */
export function checkData(data: string | Uint8Array): Uint8Array {
  if (typeof data === 'string') return encoder.encode(data);
  if (data instanceof Uint8Array) return data;
  const view = viewOfForeign(data);
  if (view === undefined) throw new TypeError(`data must be a string or a Uint8Array, not ${show(data)}`);
  return view;
}

export function checkDelimiter(delimiter: string | Uint8Array): Uint8Array {
  const bytes = checkData(delimiter);
  if (bytes.length >= 1 && bytes.length <= MAX_DELIMITER_BYTES) return bytes.slice();
  throw new RangeError(`delimiter must have 1 to ${MAX_DELIMITER_BYTES} bytes, not ${bytes.length}`);
}
