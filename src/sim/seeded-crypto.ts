/**
 * Chance of a network in the place of the runtime's cryptographic one: for programs that draw names and keys,
 * never for what has to be secret.
 */
import { checkRange, checkWhole } from '../support/check-options.js';
import type { SeededRandom } from '../support/seeded-random.js';

type Done = (error: null, value: unknown) => void;
type Random = (...args: readonly unknown[]) => unknown;

const MOST_INT_RANGE = 2 ** 48;

/** Fills an array of integers, or a part of it. */
export function fill<Filled extends ArrayBufferView>(random: SeededRandom, array: Filled): Filled {
  fillBytes(random, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return array;
}

function fillBytes(random: SeededRandom, bytes: Uint8Array): void {
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = random.word();
}

/** Returns a UUID of version 4 (RFC 9562 §5.4). */
export function uuid(random: SeededRandom): string {
  const bytes = fill(random, new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * Returns the functions of `node:crypto` that draw, with Node's signatures.
 * @param nodes the module.
 * @param later runs a job soon, in virtual time.
 */
export function seededCrypto(
  random: SeededRandom,
  nodes: unknown,
  later: (job: () => void) => void,
): Readonly<Record<string, Random>> {
  const randomBytes: unknown = Reflect.get(Object(nodes), 'randomBytes');
  /** Passes a value to the callback that is the last argument, or returns it. */
  const give = (value: unknown, done: unknown): unknown => {
    if (typeof done !== 'function') return value;
    const call = done as Done;
    later(() => {
      call(null, value);
    });
    return undefined;
  };
  const fillPart = (array: unknown, offset: unknown, size: unknown): unknown => {
    const bytes = bytesOf(array);
    const unit = ArrayBuffer.isView(array) ? Number(Reflect.get(array, 'BYTES_PER_ELEMENT') ?? 1) : 1;
    const start = Number(offset ?? 0) * unit;
    const length = size === undefined ? bytes.length - start : Number(size) * unit;
    checkRange('offset', start, 0, bytes.length);
    checkRange('size', length, 0, bytes.length - start);
    fillBytes(random, bytes.subarray(start, start + length));
    return array;
  };
  return {
    randomBytes: (size, done) => {
      // Node's own function checks the size, and makes a Buffer.
      const bytes: unknown =
        typeof randomBytes === 'function' ? Reflect.apply(randomBytes, undefined, [size]) : undefined;
      return give(ArrayBuffer.isView(bytes) ? fill(random, bytes) : bytes, done);
    },
    randomFillSync: (array, offset, size) => fillPart(array, offset, size),
    randomFill: (array, ...rest) => {
      const [offset, size] = rest.filter((each) => typeof each !== 'function');
      return give(fillPart(array, offset, size), rest.at(-1));
    },
    randomInt: (...args) => {
      const [first, second] = args.filter((each) => typeof each === 'number');
      const [least, end] = second === undefined ? [0, first] : [first, second];
      checkWhole('min', least, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      const range = Number(end) - Number(least);
      checkWhole('max - min', range, 1, MOST_INT_RANGE - 1);
      // 53 bits, as a number has: a range may have 48.
      const drawn = ((random.word() >>> 5) * 2 ** 26 + (random.word() >>> 6)) / 2 ** 53;
      return give(Number(least) + Math.floor(drawn * range), args.at(-1));
    },
    randomUUID: () => uuid(random),
  };
}

function bytesOf(array: unknown): Uint8Array {
  if (ArrayBuffer.isView(array)) return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (array instanceof ArrayBuffer || array instanceof SharedArrayBuffer) return new Uint8Array(array);
  throw new TypeError('what is filled must be an ArrayBuffer or a view of one');
}
