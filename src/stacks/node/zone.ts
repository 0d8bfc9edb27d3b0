/**
 * Zones of link-local addresses (RFC 4007 §11.2). The runtime hands a zone to `if_nametoindex`, which only
 * knows names; by the RFC, numbers have to be understood as well.
 */
import { networkInterfaces } from 'node:os';

type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * Returns the address with the name of its interface in place of the number. A zone that is the name of an
 * interface stays as it is, also if the name consists of digits. So does a number that no interface has,
 * which the system then refuses.
 */
export function withNamedZone(address: string, interfaces: () => Interfaces = networkInterfaces): string {
  const [bare = '', zone = ''] = address.split('%');
  if (!/^\d+$/.test(zone)) return address;
  const known = interfaces();
  if (known[zone] !== undefined) return address;
  const index = Number(zone);
  const name = Object.keys(known).find((candidate) =>
    known[candidate]?.some((one) => one.family === 'IPv6' && one.scopeid === index),
  );
  return name === undefined ? address : `${bare}%${name}`;
}
