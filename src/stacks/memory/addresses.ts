/** Addresses in canonical form: equal addresses have equal texts. */
import { formatIpv6, ipFamily, isUnspecified, parseIpv6, unmapped } from '../../support/ip-address.js';

/** Address of a listener on every address, IPv6 and IPv4. */
export const EVERY_ADDRESS = '::';
const EVERY_IPV4_ADDRESS = '0.0.0.0';

/** Selects ends by address and port. A field that is left out matches every value. */
export interface EndSelector {
  /** An IP address. */
  readonly address?: string;
  /** Port, 1 to 65535. */
  readonly port?: number;
}

/** Returns the text of RFC 5952, or the IPv4 address that an IPv6 address stands for. */
export function canonical(address: string): string {
  const [text = '', zone] = unmapped(address).split('%');
  const groups = parseIpv6(text);
  const shortest = groups === undefined ? text : formatIpv6(groups);
  return zone === undefined ? shortest : `${shortest}%${zone}`;
}

/**
 * Returns the address that a connection to `address` reaches: for an unspecified one, the loopback address.
 */
export function destination(address: string): string {
  if (!isUnspecified(address)) return canonical(address);
  return ipFamily(unmapped(address)) === 4 ? '127.0.0.1' : '::1';
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** Returns true if a listener bound to `bound` gets connections to `address`. */
export function covers(bound: string, address: string): boolean {
  if (bound === EVERY_ADDRESS || bound === address) return true;
  return bound === EVERY_IPV4_ADDRESS && ipFamily(address) === 4;
}

export function matches(where: EndSelector, { address, port }: Required<EndSelector>): boolean {
  const isAddress = where.address === undefined || canonical(where.address) === address;
  return isAddress && (where.port === undefined || where.port === port);
}
