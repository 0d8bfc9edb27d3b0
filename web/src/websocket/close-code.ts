/** Close codes of WebSockets (RFC 6455 §7.4). */

export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_POLICY = 1008;
export const CLOSE_INTERNAL_ERROR = 1011;
export const CLOSE_TRY_AGAIN = 1013;

/** Codes that stand for the absence of one: they are never sent. 1004 has no meaning. */
const NEVER_SENT = new Set([1004, 1005, 1006]);

const MOST_REASON_BYTES = 123;

/**
 * Checks what is to be sent in a close frame.
 * @throws RangeError for a code that must not be sent, or a reason of more than 123 bytes.
 */
export function checkClose(code: number, reason: string): void {
  const isStandard = code >= 1000 && code <= 1014 && !NEVER_SENT.has(code);
  if (!Number.isInteger(code) || !(isStandard || (code >= 3000 && code <= 4999)))
    throw new RangeError(`code must be one that may be sent, such as 1000 or 4000; it is ${code}`);
  const bytes = Buffer.byteLength(reason);
  if (bytes > MOST_REASON_BYTES)
    throw new RangeError(`reason must have at most ${MOST_REASON_BYTES} bytes; it has ${bytes}`);
}

/** Codes with which ws closes a client for what it sent, by the code of ws's error. */
const OF_ERRORS: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
};

/** Returns the code with which the client of an error is closed; 1006 if the connection broke off. */
export function closeCodeOf(error: Error): number {
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code !== 'string' || !code.startsWith('WS_ERR_')) return 1006;
  return OF_ERRORS[code] ?? 1002;
}
