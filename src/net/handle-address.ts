/** Ends of connections in the form of net.js's handles. */
import type { Endpoint } from '../port/tcp-stack.js';

/** An address as net.js asks for it. */
export interface AddressOut {
  address?: string;
  family?: string;
  port?: number;
}

/** IPv4 peers of a listener for both families have addresses such as `::ffff:127.0.0.1`. */
export function fillAddress(out: AddressOut, { address, port }: Endpoint, isMapped: boolean): void {
  const isIpv6 = address.includes(':');
  out.address = isMapped && !isIpv6 ? `::ffff:${address}` : address;
  out.family = isMapped || isIpv6 ? 'IPv6' : 'IPv4';
  out.port = port;
}

/** Returns the options of `connect` for an end to which a handle was bound. */
export function localEnd({ address, port }: Endpoint): { localAddress?: string; localPort: number } {
  const isAny = address === '0.0.0.0' || address === '::';
  return isAny ? { localPort: port } : { localAddress: address, localPort: port };
}
