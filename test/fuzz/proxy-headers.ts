/**
 * Random headers of the PROXY protocol: good ones that a few changes make wrong, and bytes of any kind. The
 * second opinion on each is Node's own: `net.isIPv4`, `net.isIPv6` and `Buffer`.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { proxyHeader, ProxyTlvType, type ProxyTlv } from 'asynctcp/gateway';
import type { Random } from '../support/random.js';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const PORTS = [0, 1, 9, 80, 443, 55_555, 65_535] as const;
const IPV4 = ['192.0.2.1', '0.0.0.0', '255.255.255.255', '10.0.0.7'] as const;
const IPV6 = [
  '2001:db8::1',
  '::',
  '::1',
  '1:2:3:4:5:6:7:8',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
] as const;

function randomTlvs(random: Random): ProxyTlv[] {
  const types = [
    ProxyTlvType.ALPN,
    ProxyTlvType.UNIQUE_ID,
    ProxyTlvType.NOOP,
    ProxyTlvType.SSL,
    0xe0,
  ] as const;
  return Array.from({ length: random.whole(0, 3) }, () => ({
    type: random.pick(types),
    value: random.bytes(random.whole(0, 40)),
  }));
}

function randomGood(random: Random): Uint8Array {
  const version = random.pick([1, 2]);
  if (random.isOneIn(8)) return proxyHeader({ version });
  const isV4 = random.isOneIn(2);
  const end = (): { address: string; port: number } => ({
    address: isV4 ? random.pick(IPV4) : random.pick(IPV6),
    port: random.pick(PORTS),
  });
  const ends = { source: end(), destination: end() };
  if (version === 1) return proxyHeader({ version, ...ends });
  return proxyHeader({ version, ...ends, tlvs: randomTlvs(random), checksum: random.isOneIn(2) });
}

/** Bytes that mean something somewhere. */
const TELLING = [
  ...Buffer.from(' \r\n\0.:%0159afAFPROXYTCP46UNKNOWN-+/'),
  0x20,
  0x21,
  0x11,
  0x12,
  0x31,
  0xff,
];

function changed(random: Random, header: Uint8Array): Uint8Array {
  const bytes = [...header];
  const at = random.whole(0, bytes.length);
  const byte = TELLING[random.whole(0, TELLING.length - 1)] ?? 0;
  switch (random.whole(0, 5)) {
    case 0:
      bytes[Math.min(at, bytes.length - 1)] = byte;
      break;
    case 1:
      bytes.splice(at, 0, byte);
      break;
    case 2:
      bytes.splice(at, random.whole(1, 4));
      break;
    case 3:
      bytes.splice(at, 0, ...bytes.slice(at, at + random.whole(1, 60)));
      break;
    case 4:
      bytes.length = at;
      break;
    default:
      bytes[Math.min(at, bytes.length - 1)] = (bytes[at] ?? 0) ^ (1 << random.whole(0, 7));
  }
  return Uint8Array.from(bytes);
}

/** Returns bytes that may be a header. */
export function randomHeader(random: Random): Uint8Array {
  if (random.isOneIn(20)) return random.bytes(random.whole(1, 200));
  let header = randomGood(random);
  for (let changes = random.whole(0, 3); changes > 0; changes -= 1) header = changed(random, header);
  return header;
}

/**
 * Returns the address that a connection with these first bytes has; `own`: that of the connection;
 * `undefined`: the bytes are not, or not yet, a header.
 */
export function addressIn(given: Uint8Array, mostBytes: number): string | undefined {
  const bytes = Buffer.from(given);
  return bytes[0] === 0x50 ? inLine(bytes) : inBinary(bytes, mostBytes);
}

function inLine(bytes: Buffer): string | undefined {
  const line = /^PROXY (.*?)\r\n/s.exec(bytes.toString('latin1').slice(0, 107))?.[1];
  if (line === undefined) return undefined;
  if (/^UNKNOWN( |$)/.test(line)) return 'own';
  const [, family, from = '', to = '', ...ports] =
    /^TCP([46]) ([^ ]+) ([^ ]+) (\d{1,5}) (\d{1,5})$/.exec(line) ?? [];
  const isAddress = family === '4' ? isIPv4 : isIPv6;
  const isPort = (port: string): boolean => String(Number(port)) === port && Number(port) <= 65_535;
  const isGood =
    [from, to].every((address) => isAddress(address) && !address.includes('%')) && ports.every(isPort);
  return family !== undefined && isGood ? canonical(from) : undefined;
}

/** Returns an address as the runtime's own URL parser writes it; a mapped one with dots. */
function canonical(address: string): string {
  if (isIPv4(address)) return address;
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:(\w+):(\w+)$/.exec(text) ?? [];
  if (high === undefined || low === undefined) return text;
  const value = Buffer.alloc(4);
  value.writeUInt16BE(Number.parseInt(high, 16));
  value.writeUInt16BE(Number.parseInt(low, 16), 2);
  return value.join('.');
}

function inBinary(bytes: Buffer, mostBytes: number): string | undefined {
  if (bytes.length < 16 || !bytes.subarray(0, 12).equals(SIGNATURE)) return undefined;
  const end = 16 + bytes.readUInt16BE(14);
  if (bytes.length < end || end > mostBytes) return undefined;
  if (bytes[12] === 0x20) return 'own';
  const [family, transport] = [bytes.readUInt8(13) >> 4, bytes.readUInt8(13) & 15];
  const size = [0, 12, 36, 216][family];
  if (bytes[12] !== 0x21 || transport > 2 || size === undefined || end < 16 + size) return undefined;
  if (family !== 0 && !hasGoodTlvs(bytes.subarray(0, end), 16 + size)) return undefined;
  if (transport !== 1 || family === 0 || family === 3) return 'own';
  if (family === 1) return bytes.subarray(16, 20).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(16 + 2 * index).toString(16));
  return canonical(groups.join(':'));
}

function hasGoodTlvs(header: Buffer, start: number): boolean {
  let checksums = 0;
  for (let at = start; at < header.length;) {
    if (at + 3 > header.length) return false;
    const [type, length] = [header[at], header.readUInt16BE(at + 1)];
    if (at + 3 + length > header.length) return false;
    if (type === ProxyTlvType.UNIQUE_ID && length > 128) return false;
    if (type === ProxyTlvType.CRC32C) {
      checksums += 1;
      if (length !== 4 || checksums > 1 || !isSum(header, at + 3)) return false;
    }
    at += 3 + length;
  }
  return true;
}

/** CRC32c bit by bit, after RFC 4960, Appendix B. */
function isSum(header: Buffer, at: number): boolean {
  const zeroed = Buffer.from(header).fill(0, at, at + 4);
  let crc = 0xffff_ffff;
  for (const byte of zeroed) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0x82f6_3b78);
  }
  return ~crc >>> 0 === header.readUInt32BE(at);
}
