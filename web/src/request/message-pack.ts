/** Decodes MessagePack that a client has sent, without more memory than its bytes are worth. */
import { decode } from '@msgpack/msgpack';
import { HttpError } from '../http-error.js';

/**
 * Returns the value of a body.
 * @throws HttpError with 400 for what is no MessagePack.
 */
export function decodeMessagePack(bytes: Uint8Array): unknown {
  try {
    if (promisesTooMuch(bytes)) throw new RangeError('it is shorter than its arrays');
    return decode(bytes);
  } catch (cause) {
    throw new HttpError(400, 'the body is not MessagePack', { cause });
  }
}

/**
 * Returns true if arrays and maps say that they have more values than there are bytes left. The decoder takes
 * memory for an array when it sees its length, so that a few bytes could cost any amount of it.
 */
function promisesTooMuch(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let values = 1;
  let at = 0;
  while (values > 0) {
    if (values > bytes.length - at) return true;
    const type = view.getUint8(at);
    values += valuesIn(view, at, type) - 1;
    at += bytesOf(view, at, type);
  }
  return false;
}

/** Returns how many values follow as parts of one. */
function valuesIn(view: DataView, at: number, type: number): number {
  if (type >= 0x80 && type <= 0x8f) return 2 * (type & 0x0f);
  if (type >= 0x90 && type <= 0x9f) return type & 0x0f;
  if (type === 0xdc) return view.getUint16(at + 1);
  if (type === 0xdd) return view.getUint32(at + 1);
  if (type === 0xde) return 2 * view.getUint16(at + 1);
  if (type === 0xdf) return 2 * view.getUint32(at + 1);
  return 0;
}

/** Bytes behind the type, for the types 0xc0 to 0xdf that have a fixed number of them. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  0xca: 4,
  0xcb: 8,
  0xcc: 1,
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1,
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
  0xd4: 2,
  0xd5: 3,
  0xd6: 5,
  0xd7: 9,
  0xd8: 17,
  0xdc: 2,
  0xdd: 4,
  0xde: 2,
  0xdf: 4,
};

/** Returns the bytes of a value, without those of its parts. */
function bytesOf(view: DataView, at: number, type: number): number {
  if (type >= 0xa0 && type <= 0xbf) return 1 + (type & 0x1f);
  switch (type) {
    case 0xc4:
    case 0xd9:
      return 2 + view.getUint8(at + 1);
    case 0xc5:
    case 0xda:
      return 3 + view.getUint16(at + 1);
    case 0xc6:
    case 0xdb:
      return 5 + view.getUint32(at + 1);
    case 0xc7:
      return 3 + view.getUint8(at + 1);
    case 0xc8:
      return 4 + view.getUint16(at + 1);
    case 0xc9:
      return 6 + view.getUint32(at + 1);
    default:
      return 1 + (FIXED_BYTES[type] ?? 0);
  }
}
