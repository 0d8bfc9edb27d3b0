/** Values as MessagePack, right and wrong. */
import { encode } from '@msgpack/msgpack';
import type { Random } from './random.js';

const VALUES = [
  null,
  1,
  -1,
  'text',
  [1, [2, { a: true }]],
  { b: new Uint8Array(9) },
  1.5,
  { c: 'x'.repeat(300) },
] as const;

/** Lengths that promise more than there is, and types that are none. */
const WRONG = [
  '\xdd\xff\xff\xff\xff',
  '\xdf\xff\xff\xff\xff',
  '\xc1',
  '\xc9\xff\xff\xff\xff\x01',
  '\xd9',
  '',
  '\x81\xa9__proto__\x80',
] as const;

/** Returns the bytes, each of them as a character. */
export function pack(random: Random): string {
  const whole = Buffer.from(encode(random.of(VALUES))).toString('latin1');
  if (random.once(3)) return random.of(WRONG);
  if (random.once(20)) return '\x91'.repeat(random.below(20_000));
  return random.once(3) ? whole.slice(0, random.below(whole.length + 1)) : whole;
}
