/** Version 1 of the PROXY protocol: a line of text (`proxy-protocol.txt` §2.1). */
import type { Endpoint } from '../port/tcp-stack.js';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6, unmapped } from '../support/ip-address.js';
import { MORE, refused, V1_MOST_BYTES, type HeaderOutcome, type ProxyHeader } from './proxy-header.js';

const CR = 13;
const LF = 10;

const UNKNOWN = 'PROXY UNKNOWN';
/** Beginnings of a line. */
const BEGINNINGS = ['PROXY TCP4 ', 'PROXY TCP6 ', `${UNKNOWN} `, `${UNKNOWN}\r\n`];

const NO_TLVS: readonly never[] = [];

/** Reads a line from the beginning of `bytes`. */
export function readV1(bytes: Uint8Array): HeaderOutcome {
  const text = asciiOf(bytes.subarray(0, V1_MOST_BYTES));
  if (!BEGINNINGS.some((beginning) => isBeginningOf(text, beginning))) {
    return refused('the line does not begin with PROXY and TCP4, TCP6 or UNKNOWN');
  }
  const end = text.indexOf('\r\n');
  if (end < 0) return unfinished(bytes, text);
  const header = text.startsWith(UNKNOWN) ? unknown() : headerOf(text.slice(0, end).split(' '));
  if (header === undefined) return refused('the line has no valid addresses and ports');
  return { kind: 'complete', header, bytes: end + 2 };
}

/** Returns true if one of the two texts begins with the other one. */
function isBeginningOf(text: string, beginning: string): boolean {
  return text.length < beginning.length ? beginning.startsWith(text) : text.startsWith(beginning);
}

/** The answer to a line whose CRLF has not come. */
function unfinished(bytes: Uint8Array, text: string): HeaderOutcome {
  if (bytes.length >= V1_MOST_BYTES) return refused(`no CRLF in ${V1_MOST_BYTES} bytes`, 'tooLong');
  // Behind UNKNOWN everything is ignored up to the CRLF. A CR may wait for its LF.
  const line = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
  const isTorn = line.includes(CR) || line.includes(LF);
  return isTorn && !text.startsWith(UNKNOWN) ? refused('a CR or an LF alone') : MORE;
}

/** Each byte is a character; those beyond ASCII match nothing that the protocol has. */
function asciiOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function unknown(): ProxyHeader {
  return { version: 1, command: 'PROXY', source: undefined, destination: undefined, tlvs: NO_TLVS };
}

function headerOf(words: readonly string[]): ProxyHeader | undefined {
  const [, family, from = '', to = '', fromPort = '', toPort = '', ...more] = words;
  const addressOf = family === 'TCP4' ? ipv4Of : ipv6Of;
  const source = endpointOf(addressOf(from), portOf(fromPort));
  const destination = endpointOf(addressOf(to), portOf(toPort));
  if (source === undefined || destination === undefined || more.length > 0) return undefined;
  return { version: 1, command: 'PROXY', source, destination, tlvs: NO_TLVS };
}

function endpointOf(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
}

function ipv4Of(text: string): string | undefined {
  const value = parseIpv4(text);
  return value === undefined ? undefined : formatIpv4(value);
}

/** HAProxy writes an IPv4-mapped address with dots, as inet_ntop does. */
function ipv6Of(text: string): string | undefined {
  const groups = parseIpv6(text);
  return groups === undefined ? undefined : unmapped(formatIpv6(groups));
}

function portOf(text: string): number | undefined {
  const isPort = /^(0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535;
  return isPort ? Number(text) : undefined;
}
