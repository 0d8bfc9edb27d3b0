/** Events as bytes: the format of event streams of the HTML standard, §9.2.5 and §9.2.6. */

/** The fields of an event. */
export interface EventFields {
  /** Its data; line breaks are kept, as one kind. `undefined`: clients take the rest, and see no event. */
  readonly message?: string | undefined;
  /** Its type. Default: `message`. */
  readonly event?: string | undefined;
  /** Its id, by which a client that comes back says what it has; empty: the client forgets the last one. */
  readonly id?: string | undefined;
  /** Time after which a client that lost its connection comes back, in milliseconds. */
  readonly reconnect?: number | undefined;
}

const LINE_BREAK = /\r\n|\r|\n/;
const BREAKS = /[\r\n]/;

/** A comment, which no program sees. */
export const HEARTBEAT = Buffer.from(':\n\n');

/**
 * Returns the bytes of an event.
 * @throws TypeError for an id or an event with a line break, and an id with the character NUL.
 * @throws RangeError for a time that is no whole number of milliseconds.
 */
export function formatEvent({ message, event, id, reconnect }: EventFields): Buffer {
  let text = '';
  if (reconnect !== undefined) text += `retry: ${checkedTime(reconnect)}\n`;
  if (id !== undefined) text += `id: ${checkedLine('id', id)}\n`;
  if (event !== undefined && event !== '') text += `event: ${checkedLine('event', event)}\n`;
  if (message !== undefined) for (const line of message.split(LINE_BREAK)) text += `data: ${line}\n`;
  return Buffer.from(`${text}\n`);
}

function checkedLine(name: string, value: string): string {
  if (BREAKS.test(value)) throw new TypeError(`${name} must have no line break`);
  // Clients ignore such an id.
  if (name === 'id' && value.includes('\0')) throw new TypeError('id must not have the character NUL');
  return value;
}

function checkedTime(ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new RangeError(`reconnect must be a whole number of milliseconds; it is ${ms}`);
}
