/**
 * IP addresses as four words of 32 bits, so that both families are compared and hashed alike. An IPv4
 * address is kept as its IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2). The words are signed: V8 keeps
 * them without a box.
 */
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../support/ip-address.js';

/** Third word of an IPv4 address. */
export const MAPPED_WORD = 0xffff;

export class Address {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  #text: string | undefined;

  constructor(a: number, b: number, c: number, d: number) {
    this.a = a | 0;
    this.b = b | 0;
    this.c = c | 0;
    this.d = d | 0;
  }

  static ofIpv4(word: number): Address {
    return new Address(0, 0, MAPPED_WORD, word);
  }

  /** Returns the address that a text without a zone stands for; `undefined` if it is none. */
  static parse(text: string): Address | undefined {
    const v4 = parseIpv4(text);
    if (v4 !== undefined) return Address.ofIpv4(v4);
    const groups = parseIpv6(text);
    if (groups === undefined) return undefined;
    const word = (index: number): number => ((groups[index] ?? 0) << 16) | (groups[index + 1] ?? 0);
    return new Address(word(0), word(2), word(4), word(6));
  }

  get family(): 4 | 6 {
    return this.a === 0 && this.b === 0 && this.c === MAPPED_WORD ? 4 : 6;
  }

  equals(other: Address): boolean {
    return this.d === other.d && this.c === other.c && this.b === other.b && this.a === other.a;
  }

  isUnspecified(): boolean {
    return this.a === 0 && this.b === 0 && this.d === 0 && (this.c === 0 || this.c === MAPPED_WORD);
  }

  isLoopback(): boolean {
    if (this.family === 4) return this.d >>> 24 === 127;
    return this.a === 0 && this.b === 0 && this.c === 0 && this.d === 1;
  }

  isMulticast(): boolean {
    return this.family === 4 ? this.d >>> 28 === 0xe : this.a >>> 24 === 0xff;
  }

  /** Returns true for 255.255.255.255. */
  isBroadcast(): boolean {
    return this.d === -1 && this.family === 4;
  }

  /** Returns true for fe80::/10. */
  isLinkLocal(): boolean {
    return this.a >>> 22 === 0xfe80 >>> 6;
  }

  /** Returns the canonical text: a dotted quad, or RFC 5952. */
  toString(): string {
    this.#text ??= this.family === 4 ? formatIpv4(this.d >>> 0) : formatIpv6(this.#groups());
    return this.#text;
  }

  #groups(): number[] {
    return [this.a, this.b, this.c, this.d].flatMap((word) => [word >>> 16, word & 0xffff]);
  }
}

/** The unspecified IPv6 address. */
export const ANY_IPV6 = new Address(0, 0, 0, 0);
