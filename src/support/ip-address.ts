/**
 * IP addresses in text form (RFC 791 dotted quads; RFC 4291 §2.2, zones of RFC 4007 §11; canonical text of
 * RFC 5952), without the runtime's help, so that every stack and every engine reads and writes them alike.
 */

export type IpFamily = 4 | 6;

const V6_GROUPS = 8;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Returns the address as an unsigned 32-bit number, most significant byte first; `undefined` if the text is
 * no IPv4 address.
 */
export function parseIpv4(text: string): number | undefined {
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (digits === 0) return undefined;
      value = value * 256 + part;
      dots += 1;
      part = digits = 0;
    } else {
      // Leading zeros are refused: some resolvers read them as octal (RFC 6943 §3.1.1).
      if (code < ZERO || code > NINE || (digits > 0 && part === 0)) return undefined;
      part = part * 10 + code - ZERO;
      digits += 1;
      if (part > 255) return undefined;
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + part : undefined;
}

export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/**
 * Returns the eight 16-bit groups of an IPv6 address without its zone; `undefined` if the text is no such
 * address.
 */
export function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  if (halves.length === 1) return head?.length === V6_GROUPS ? head : undefined;
  const tail = parseGroups(halves[1] ?? '', true);
  // '::' stands for at least one group (RFC 4291 §2.2).
  if (head === undefined || tail === undefined || head.length + tail.length >= V6_GROUPS) return undefined;
  const zeros = new Array<number>(V6_GROUPS - head.length - tail.length).fill(0);
  return [...head, ...zeros, ...tail];
}

function parseGroups(text: string, mayEndInV4: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = mayEndInV4 && index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (v4 === undefined) return undefined;
      groups.push(v4 >>> 16, v4 & 0xffff);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/**
 * Returns the 16-bit groups of an address without a zone, two of IPv4 and eight of IPv6; `undefined` if the
 * text is no such address.
 */
export function ipGroups(text: string): readonly number[] | undefined {
  const v4 = parseIpv4(text);
  return v4 === undefined ? parseIpv6(text) : [v4 >>> 16, v4 & 0xffff];
}

/**
 * Returns the text of RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as
 * '::'.
 */
export function formatIpv6(groups: readonly number[]): string {
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === 0) length += 1;
    if (length > bestLength) [bestStart, bestLength] = [start, length];
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (bestStart < 0) return hex(groups);
  return `${hex(groups.slice(0, bestStart))}::${hex(groups.slice(bestStart + bestLength))}`;
}

/** Returns 4 or 6; `undefined` if the text is no IP address (a name, perhaps). */
export function ipFamily(text: string): IpFamily | undefined {
  if (parseIpv4(text) !== undefined) return 4;
  const percent = text.indexOf('%');
  if (percent >= 0 && !/^%[0-9A-Za-z.:-]+$/.test(text.slice(percent))) return undefined;
  return parseIpv6(percent < 0 ? text : text.slice(0, percent)) === undefined ? undefined : 6;
}

/** Returns true if the address is that of no host: `0.0.0.0` or `::` (RFC 1122 §3.2.1.3, RFC 4291 §2.5.2). */
export function isUnspecified(text: string): boolean {
  const bare = unmapped(text.split('%')[0] ?? '');
  return parseIpv4(bare) === 0 || parseIpv6(bare)?.every((group) => group === 0) === true;
}

/**
 * Returns the IPv4 address of an IPv4-mapped IPv6 address, `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2); any other
 * text unchanged.
 */
export function unmapped(text: string): string {
  if (!text.includes(':') || text.includes('%')) return text;
  const groups = parseIpv6(text);
  if (groups?.[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return text;
  return formatIpv4((groups[6] ?? 0) * 0x10000 + (groups[7] ?? 0));
}
