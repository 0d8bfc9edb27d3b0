/** The network of a client, as far as it tells clients apart. */
import { isIPv6 } from 'node:net';

/** Groups of an IPv6 address that name a network: a subscriber has at least a /64 (RFC 6177). */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

const MAPPED = /^::ffff:(?<v4>\d+\.\d+\.\d+\.\d+)$/i;

/** Returns an IPv4 address as it is, also one that is mapped into IPv6; of an IPv6 address, its /64. */
export function networkOf(address: string): string {
  const v4 = MAPPED.exec(address)?.groups?.['v4'];
  if (v4 !== undefined) return v4;
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = (address.split('%')[0] ?? '').split('::');
  const before = groupsOf(head);
  const zeros = Math.max(0, GROUPS - before.length - groupsOf(tail).length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...groupsOf(tail)];
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}

function groupsOf(part: string): string[] {
  if (part === '') return [];
  // An IPv4 address at the end stands for two groups, which are behind the network in any case.
  return part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
