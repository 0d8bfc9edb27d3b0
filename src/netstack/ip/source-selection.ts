/** Chooses the source address of a packet: RFC 6724 §5 for IPv6, RFC 1122 §3.3.4.3 for IPv4. */
import type { Address } from '../wire/address.js';
import type { NetInterface } from './net-interface.js';
import { Prefix } from './prefix.js';

/** Labels of the default policy table (RFC 6724 §2.1), the longest prefix first. */
const LABELS: readonly (readonly [prefix: Prefix, label: number])[] = [
  [Prefix.parse('::1/128'), 0],
  [Prefix.parse('::ffff:0:0/96'), 4],
  [Prefix.parse('::/96'), 3],
  [Prefix.parse('2001::/32'), 5],
  [Prefix.parse('2002::/16'), 2],
  [Prefix.parse('3ffe::/16'), 12],
  [Prefix.parse('fec0::/10'), 11],
  [Prefix.parse('fc00::/7'), 13],
];
const DEFAULT_LABEL = 1;

const SCOPE_LINK = 2;
const SCOPE_SITE = 5;
const SCOPE_GLOBAL = 14;

/** Returns the scope of an IPv6 address (RFC 6724 §3.1). */
function scopeOf(address: Address): number {
  if (address.isMulticast()) return (address.a >>> 16) & 15;
  if (address.isLinkLocal() || address.isLoopback()) return SCOPE_LINK;
  return address.a >>> 22 === 0xfec0 >>> 6 ? SCOPE_SITE : SCOPE_GLOBAL;
}

function labelOf(address: Address): number {
  return LABELS.find(([prefix]) => prefix.contains(address))?.[1] ?? DEFAULT_LABEL;
}

/** Returns the number of leading bits that both addresses have in common. */
function commonBits(one: Address, other: Address): number {
  const differences = [one.a ^ other.a, one.b ^ other.b, one.c ^ other.c, one.d ^ other.d];
  const index = differences.findIndex((difference) => difference !== 0);
  return index < 0 ? 128 : index * 32 + Math.clz32(differences[index] ?? 0);
}

/** Returns the interface's best address for a destination; `undefined` if it has none of the family. */
export function selectSource(
  netInterface: NetInterface,
  destination: Address,
  nextHop: Address,
): Address | undefined {
  let best: Prefix | undefined;
  for (const own of netInterface.addresses) {
    if (own.family !== destination.family) continue;
    const isFirst = best === undefined;
    if (best === undefined || isBetter(netInterface, own, best, destination, nextHop)) best = own;
    if (isFirst && own.family === 4 && own.contains(nextHop)) break;
  }
  return best?.address;
}

/** Returns true if `one` is a better source than `other`, which was found first. */
function isBetter(
  netInterface: NetInterface,
  one: Prefix,
  other: Prefix,
  destination: Address,
  nextHop: Address,
): boolean {
  if (one.family === 4) return one.contains(nextHop) && !other.contains(nextHop);
  // Rule 1.
  if (other.address.equals(destination)) return false;
  if (one.address.equals(destination)) return true;
  // Rule 2: the smallest scope that reaches the destination.
  const [scope, otherScope, wanted] = [scopeOf(one.address), scopeOf(other.address), scopeOf(destination)];
  if (scope < otherScope) return scope >= wanted;
  if (scope > otherScope) return otherScope < wanted;
  // Rule 3.
  const [isOld, isOtherOld] = [netInterface.isDeprecated(one), netInterface.isDeprecated(other)];
  if (isOld !== isOtherOld) return isOtherOld;
  // Rule 6.
  const label = labelOf(destination);
  const [fits, otherFits] = [labelOf(one.address) === label, labelOf(other.address) === label];
  if (fits !== otherFits) return fits;
  // Rule 8.
  const bits = Math.min(commonBits(one.address, destination), one.length);
  return bits > Math.min(commonBits(other.address, destination), other.length);
}
