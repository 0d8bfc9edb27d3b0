/** The parts of a line, as text. docs/stacks.md describes the format. */
import { ErrorCode } from '../../port/error-code.js';
import { SendFlag, type Endpoint, type Fault, type SendFlags } from '../../port/tcp-stack.js';

/** Characters of a name, an address list or an error message that a line shows. */
export const MAX_TEXT_CHARACTERS = 200;

const CODE_NAMES = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

const ESCAPES: Readonly<Record<number, string>> = {
  0x09: '\\t',
  0x0a: '\\n',
  0x0d: '\\r',
  0x22: '\\"',
  0x5c: '\\\\',
};
const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;

/** Returns `text`, or its beginning and `…` if it is too long for a line. */
export function clipped(text: string): string {
  return text.length > MAX_TEXT_CHARACTERS ? `${text.slice(0, MAX_TEXT_CHARACTERS)}…` : text;
}

/** Returns a name or a message as one line in quotes. */
export function quoted(text: string): string {
  return JSON.stringify(clipped(text));
}

/** Returns `address:port`, an IPv6 address in brackets. `*` stands for every address, or an unknown one. */
export function placeText(address: string | undefined, port: number): string {
  if (address === undefined || address === '') return `*:${port}`;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export function endpointText({ address, port }: Endpoint): string {
  return placeText(address, port);
}

export function faultText({ code, cause }: Fault): string {
  const name = CODE_NAMES.get(code) ?? String(code);
  return cause === undefined ? name : `${name} ${quoted(cause.message)}`;
}

/** Returns the flags by their names, each after a space. */
export function flagsText(flags: SendFlags): string {
  return ((flags & SendFlag.COPY) === 0 ? '' : ' COPY') + ((flags & SendFlag.MORE) === 0 ? '' : ' MORE');
}

/**
 * Returns the first `count` of the bytes, `limit` at most, in quotes after a space; `…` stands for the
 * others. Bytes that are transferred away meanwhile are left out.
 */
export function bytesText(bytes: Uint8Array, count: number, limit: number): string {
  let text = '';
  for (let index = 0; index < count && index < limit; index += 1) {
    const byte = bytes[index];
    if (byte !== undefined) text += byteText(byte);
  }
  return ` "${text}"${count > limit ? '…' : ''}`;
}

function byteText(byte: number): string {
  const escape = ESCAPES[byte];
  if (escape !== undefined) return escape;
  if (byte >= FIRST_PRINTABLE && byte <= LAST_PRINTABLE) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
