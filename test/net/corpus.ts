/** The bytes that the ends of a random program send: each sends the same endless text from its beginning. */
import { Random } from '../support/random.js';
import type { Form } from './program.js';

/** More than the system's buffers of a connection hold: a write of them all waits until the peer reads. */
export const FLOOD_BYTES = 2 ** 24;

/** A prime, so that no piece of a stream looks like the one before it. */
const PERIOD = 65_521;
/** Bytes that are compared at once. */
const PART_BYTES = 2 ** 20;

const text = textOf(PERIOD + FLOOD_BYTES);

/** ASCII alone, so that every encoding gives the same bytes back. */
function textOf(bytes: number): Buffer {
  const period = Buffer.from(new Random(12).bytes(PERIOD).map((byte) => 32 + (byte % 95)));
  return Buffer.alloc(bytes, period);
}

function at(position: number, bytes: number): Buffer {
  return text.subarray(position % PERIOD, (position % PERIOD) + bytes);
}

/** Returns the next piece of an end's text. UTF-16 makes an odd number even. */
export function piece(
  position: number,
  bytes: number,
  form: Form,
): { data: string | Uint8Array; bytes: number } {
  if (form === 'buffer') return { data: at(position, bytes), bytes };
  if (form === 'uint8array') return { data: new Uint8Array(at(position, bytes)), bytes };
  const even = form === 'utf16le' ? bytes - (bytes % 2) : bytes;
  return { data: at(position, even).toString(form), bytes: even };
}

/** Returns true if `data` is what follows at a position. */
export function isText(position: number, data: Uint8Array): boolean {
  for (let done = 0; done < data.length; done += PART_BYTES) {
    const part = data.subarray(done, done + PART_BYTES);
    if (Buffer.compare(part, at(position + done, part.length)) !== 0) return false;
  }
  return true;
}
