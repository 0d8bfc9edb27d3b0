/** The PROXY protocol on a client: the header that passes the address of another connection on. */
import type { AsyncClient } from '../asynctcp/async-client.js';
import {
  checkAddress,
  checkBoolean,
  checkInteger,
  checkObject,
  checkOptions,
  checkPort,
  show,
} from '../asynctcp/check.js';
import type { Endpoint } from '../port/tcp-stack.js';
import { ipFamily, ipGroups, parseIpv4, unmapped } from '../support/ip-address.js';
import { crc32c } from './crc32c.js';
import {
  ProxyTlvType,
  TCP_OVER_IPV4,
  TCP_OVER_IPV6,
  V2_FIXED_BYTES,
  V2_LOCAL,
  V2_MOST_BLOCK_BYTES,
  V2_PROXY,
  V2_SIGNATURE,
  type ProxyTlv,
} from './proxy-header.js';
import { MOST_UNIQUE_ID_BYTES, TLV_FIXED_BYTES } from './proxy-v2.js';

const CRC_BYTES = 4;

/** Options of `proxyHeader`. */
export interface ProxyHeaderOptions {
  /** Version of the protocol. Default 2. */
  version?: 1 | 2 | undefined;
  /** The client's end. Left out together with `destination`: `LOCAL`, in version 1 `UNKNOWN`. */
  source?: Endpoint | undefined;
  /**
   * The end to which the client connected. If one end is IPv4 and the other one IPv6, the header has the
   * first as an IPv4-mapped address, as HAProxy writes it.
   */
  destination?: Endpoint | undefined;
  /** Values of version 2, in their order. The checksum's place is `checksum`. */
  tlvs?: readonly ProxyTlv[] | undefined;
  /** True: version 2 ends with a checksum. Default false. */
  checksum?: boolean | undefined;
}

/** Options of `writeProxyHeader`: those of a header, without its ends. */
export type PassOnOptions = Pick<ProxyHeaderOptions, 'version' | 'tlvs' | 'checksum'>;

interface Ends {
  readonly family: 4 | 6;
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/**
 * Returns the bytes of a header.
 * @throws TypeError, RangeError for ends that are no IP address and port, for values that version 1 has no
 *   place for, and for a header that would be too long.
 */
export function proxyHeader(options: ProxyHeaderOptions): Uint8Array {
  checkOptions(options);
  const { version = 2, tlvs = [], checksum = false } = options;
  const ends = endsOf(options);
  checkTlvs(tlvs);
  checkBoolean('checksum', checksum);
  if (version === 2) return v2(ends, tlvs, checksum);
  if ((version as number) !== 1) throw new RangeError(`version must be 1 or 2, not ${show(version)}`);
  if (tlvs.length > 0) throw new RangeError(`tlvs must be empty in version 1, not ${tlvs.length} values`);
  if (checksum) throw new RangeError('checksum must be false in version 1, not true');
  return new TextEncoder().encode(v1(ends));
}

/**
 * Writes the header that passes the address of `from` on, as the first bytes of `client`: call it in
 * `onConnect`. The header and other bytes that the callback writes leave together.
 * @param from the accepted client; its `remoteIP()` and `localIP()` are passed on.
 * @returns true if the header was taken; false if `client` is not connected, or has no space for it.
 * @throws as `proxyHeader`.
 */
export function writeProxyHeader(
  client: AsyncClient,
  from: AsyncClient,
  options: PassOnOptions = {},
): boolean {
  checkOptions(options);
  const header = proxyHeader({
    ...options,
    source: { address: from.remoteIP(), port: from.remotePort() },
    destination: { address: from.localIP(), port: from.localPort() },
  });
  return client.space() >= header.length && client.write(header) === header.length;
}

function endsOf({ source, destination }: ProxyHeaderOptions): Ends | undefined {
  if (source === undefined && destination === undefined) return undefined;
  const ends = { source: endOf('source', source), destination: endOf('destination', destination) };
  const [family, other] = [ipFamily(ends.source.address), ipFamily(ends.destination.address)];
  if (family === 4 && other === 4) return { family, ...ends };
  return { family: 6, source: mapped(ends.source), destination: mapped(ends.destination) };
}

/** Returns an end of IPv4 as an IPv4-mapped one of IPv6: a header has one family. */
function mapped({ address, port }: Endpoint): Endpoint {
  return { address: parseIpv4(address) === undefined ? address : `::ffff:${address}`, port };
}

/** Checks an end, and returns it without a zone, which means nothing to another machine. */
function endOf(name: string, end: Endpoint | undefined): Endpoint {
  checkObject(name, end);
  const address = checkAddress(`${name}.address`, end?.address);
  return { address: unmapped(address.split('%')[0] ?? ''), port: checkPort(`${name}.port`, end?.port) };
}

function checkTlvs(tlvs: readonly ProxyTlv[]): void {
  const isArray: boolean = Array.isArray(tlvs);
  if (!isArray) throw new TypeError(`tlvs must be an array, not ${show(tlvs)}`);
  for (const [index, tlv] of tlvs.entries()) {
    checkObject(`tlvs[${index}]`, tlv);
    const { type, value } = tlv;
    checkInteger(`tlvs[${index}].type`, type, 0, 255);
    if (!(value instanceof Uint8Array)) {
      throw new TypeError(`tlvs[${index}].value must be a Uint8Array, not ${show(value)}`);
    }
    const most = type === ProxyTlvType.UNIQUE_ID ? MOST_UNIQUE_ID_BYTES : V2_MOST_BLOCK_BYTES;
    checkInteger(`length of tlvs[${index}].value`, value.length, 0, most, ' bytes');
    if (type === ProxyTlvType.CRC32C) {
      throw new RangeError(`tlvs[${index}].type must not be CRC32C, which checksum: true makes`);
    }
  }
}

function v1(ends: Ends | undefined): string {
  if (ends === undefined) return 'PROXY UNKNOWN\r\n';
  const { family, source, destination } = ends;
  return `PROXY TCP${family} ${source.address} ${destination.address} ${source.port} ${destination.port}\r\n`;
}

function v2(ends: Ends | undefined, tlvs: readonly ProxyTlv[], checksum: boolean): Uint8Array {
  const addresses = ends === undefined ? [] : addressesOf(ends);
  const all = checksum ? [...tlvs, { type: ProxyTlvType.CRC32C, value: new Uint8Array(CRC_BYTES) }] : tlvs;
  const block = all.reduce((sum, { value }) => sum + TLV_FIXED_BYTES + value.length, addresses.length);
  checkInteger('length of the addresses and tlvs', block, 0, V2_MOST_BLOCK_BYTES, ' bytes');
  const header = new Uint8Array(V2_FIXED_BYTES + block);
  header.set(V2_SIGNATURE);
  header.set([ends === undefined ? V2_LOCAL : V2_PROXY, kindOf(ends), block >>> 8, block & 255], 12);
  header.set(addresses, V2_FIXED_BYTES);
  let at = V2_FIXED_BYTES + addresses.length;
  for (const { type, value } of all) {
    header.set([type, value.length >>> 8, value.length & 255], at);
    header.set(value, at + TLV_FIXED_BYTES);
    at += TLV_FIXED_BYTES + value.length;
  }
  if (checksum) new DataView(header.buffer).setUint32(header.length - CRC_BYTES, crc32c(header));
  return header;
}

function kindOf(ends: Ends | undefined): number {
  if (ends === undefined) return 0;
  return ends.family === 4 ? TCP_OVER_IPV4 : TCP_OVER_IPV6;
}

function addressesOf({ source, destination }: Ends): number[] {
  const ports = [source.port, destination.port];
  return [...(ipGroups(source.address) ?? []), ...(ipGroups(destination.address) ?? []), ...ports].flatMap(
    (group) => [group >>> 8, group & 255],
  );
}
