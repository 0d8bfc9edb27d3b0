/**
 * Zones of link-local addresses (RFC 4007 §11.2). The runtime hands a zone to `if_nametoindex`, which knows
 * names alone; the standard wants numbers understood as well.
 */
import { networkInterfaces } from 'node:os';

type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * Returns the address with the name of its interface in place of the number. Everything else stays as it is:
 * a name, also one of digits, and a number of no interface, which the system then refuses.
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
