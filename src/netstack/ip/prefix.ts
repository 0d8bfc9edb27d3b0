/**
 * Prefixes of addresses (RFC 4291 §2.3, RFC 4632). Lengths are those of the 128 bits that `Address` keeps:
 * an IPv4 prefix of 24 bits has length 120.
 */
import { Address, MAPPED_WORD } from '../wire/address.js';

/** Bits in front of an IPv4 address in its IPv4-mapped form. */
const MAPPED_BITS = 96;
const ADDRESS_BITS = 128;

/** Returns the mask of word `index` (0 to 3) in a prefix of `length` bits. */
function maskOf(length: number, index: number): number {
  const bits = length - index * 32;
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

export class Prefix {
  readonly address: Address;
  /** Bits, 0 to 128. */
  readonly length: number;
  readonly #maskA: number;
  readonly #maskB: number;
  readonly #maskC: number;
  readonly #maskD: number;
  readonly #first: Address;

  constructor(address: Address, length: number) {
    this.address = address;
    this.length = length;
    this.#maskA = maskOf(length, 0);
    this.#maskB = maskOf(length, 1);
    this.#maskC = maskOf(length, 2);
    this.#maskD = maskOf(length, 3);
    this.#first = new Address(
      address.a & this.#maskA,
      address.b & this.#maskB,
      address.c & this.#maskC,
      address.d & this.#maskD,
    );
  }

  /**
   * Returns the prefix of a text as '10.0.0.2/24', 'fd00::/64' or, for all bits, '10.0.0.2'. The address
   * keeps the bits behind the prefix.
   * @throws TypeError if the text is no address, RangeError if its length is none of the family.
   */
  static parse(text: string): Prefix {
    const slash = text.indexOf('/');
    const address = Address.parse(slash < 0 ? text : text.slice(0, slash));
    if (address === undefined) throw new TypeError(`'${text}' is no IP address or prefix`);
    const skipped = text.includes(':') ? 0 : MAPPED_BITS;
    if (slash < 0) return new Prefix(address, ADDRESS_BITS);
    const digits = text.slice(slash + 1);
    const length = /^[0-9]{1,3}$/.test(digits) ? Number(digits) + skipped : Number.NaN;
    if (!(length <= ADDRESS_BITS)) throw new RangeError(`'${text}' has no valid prefix length`);
    return new Prefix(address, length);
  }

  get family(): 4 | 6 {
    return this.address.family;
  }

  contains(address: Address): boolean {
    return this.containsWords(address.a, address.b, address.c, address.d);
  }

  containsWords(a: number, b: number, c: number, d: number): boolean {
    const first = this.#first;
    return (
      (d & this.#maskD) === first.d &&
      (c & this.#maskC) === first.c &&
      (b & this.#maskB) === first.b &&
      (a & this.#maskA) === first.a
    );
  }

  /**
   * Returns the directed broadcast address of this IPv4 subnet, and the old one with a host part of zero (RFC
   * 1122 §3.2.1.3). Prefixes of 31 and 32 bits have neither (RFC 3021).
   */
  broadcastWords(): readonly number[] {
    if (this.length >= ADDRESS_BITS - 1 || this.#first.c !== MAPPED_WORD) return [];
    return [this.#first.d | ~this.#maskD, this.#first.d];
  }
}
