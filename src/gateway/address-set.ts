/** Sets of IP addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). */
import { show } from '../asynctcp/check.js';
import { ipGroups, unmapped } from '../support/ip-address.js';

/** Most blocks of a set: each address is compared with all of them. */
export const MOST_BLOCKS = 1024;

interface Block {
  /** Groups of 16 bits: two of IPv4, eight of IPv6. */
  readonly groups: readonly number[];
  readonly prefixBits: number;
}

/** Returns the groups of an address: IPv4 also from an IPv4-mapped one, IPv6 without its zone. */
function groupsOf(address: string): readonly number[] | undefined {
  return ipGroups(unmapped(address.split('%')[0] ?? ''));
}

export class AddressSet {
  readonly #blocks: readonly Block[];

  /**
   * @param name the option's name, for errors.
   * @param blocks addresses without a zone, or blocks such as `10.0.0.0/8` and `2001:db8::/32`, those of
   *   IPv4 in the form of IPv4.
   * @throws TypeError, RangeError for anything else.
   */
  constructor(name: string, blocks: unknown) {
    if (!Array.isArray(blocks)) {
      throw new TypeError(`${name} must be an array of addresses and blocks, not ${show(blocks)}`);
    }
    if (blocks.length < 1 || blocks.length > MOST_BLOCKS) {
      throw new RangeError(`${name} must have 1 to ${MOST_BLOCKS} entries, not ${blocks.length}`);
    }
    this.#blocks = blocks.map((block, index) => parseBlock(`${name}[${index}]`, block));
  }

  /** Returns true if an address is in one of the blocks. */
  has(address: string): boolean {
    const groups = groupsOf(address);
    return groups !== undefined && this.#blocks.some((block) => isInside(groups, block));
  }
}

function parseBlock(name: string, value: unknown): Block {
  const wanted = `${name} must be an IP address or a block such as "10.0.0.0/8", not ${show(value)}`;
  if (typeof value !== 'string') throw new TypeError(wanted);
  const [address = '', prefix, ...more] = value.split('/');
  const groups = groupsOf(address);
  // Addresses are compared without their zones, and mapped ones as IPv4: the block would be another one.
  const isOther = address.includes('%') || (prefix !== undefined && unmapped(address) !== address);
  if (groups === undefined || isOther || more.length > 0) throw new RangeError(wanted);
  const bits = groups.length * 16;
  if (prefix === undefined) return { groups, prefixBits: bits };
  if (!/^(0|[1-9][0-9]{0,2})$/.test(prefix) || Number(prefix) > bits) {
    throw new RangeError(`${name} must have a prefix of 0 to ${bits} bits, not ${show(value)}`);
  }
  const block = { groups, prefixBits: Number(prefix) };
  // A block with bits behind its prefix is a mistake more often than not.
  if (groups.some((group, index) => (group & ~maskOf(block.prefixBits, index) & 0xffff) !== 0)) {
    throw new RangeError(`${name} must have no bits behind its prefix, not ${show(value)}`);
  }
  return block;
}

/** Returns the bits of group `index` that a prefix covers. */
function maskOf(prefixBits: number, index: number): number {
  const bits = Math.min(Math.max(prefixBits - index * 16, 0), 16);
  return 0xffff & (0xffff << (16 - bits));
}

function isInside(groups: readonly number[], { groups: own, prefixBits }: Block): boolean {
  if (groups.length !== own.length) return false;
  return own.every((group, index) => ((group ^ (groups[index] ?? 0)) & maskOf(prefixBits, index)) === 0);
}
