/** Options of TCP: as a script writes them, and as they stand in a header. */
import { UnknownLine, type Tokens } from './tokens.js';

export type TcpOption =
  | { readonly kind: 'nop' | 'eol' | 'sackOK' }
  | { readonly kind: 'mss' | 'wscale'; readonly value: number }
  | { readonly kind: 'TS'; readonly value: number; readonly echo: number }
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [start: number, end: number])[] }
  | { readonly kind: 'other'; readonly number: number; readonly bytes: Uint8Array };

/** Numbers of the kinds (IANA), of those that scripts have and no stack here knows as well. */
const NUMBERS: Readonly<Record<string, number>> = { md5: 19, FO: 34, FOEXP: 254 };
/** The number by which an experiment is known (RFC 6994), for `FOEXP`. */
const FAST_OPEN_EXPERIMENT = [0xf9, 0x89];

function hexBytes(tokens: Tokens): number[] {
  const token = tokens.peek();
  if (token === undefined || (token.kind !== 'word' && token.kind !== 'number')) return [];
  tokens.next();
  if (!/^([0-9a-fA-F]{2})*$/.test(token.text))
    throw new UnknownLine(token.line, `'${token.text}' is not hexadecimal`);
  return (token.text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

function parseBlocks(tokens: Tokens): [number, number][] {
  const blocks: [number, number][] = [];
  while (tokens.peek()?.kind === 'number') {
    const start = tokens.number();
    tokens.expect(':');
    blocks.push([start, tokens.number()]);
  }
  return blocks;
}

function parseOption(tokens: Tokens): TcpOption {
  const { text: kind, line } = tokens.next();
  switch (kind) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return { kind };
    case 'mss':
    case 'wscale':
      return { kind, value: tokens.number() };
    case 'TS': {
      tokens.expect('val');
      const value = tokens.number();
      tokens.expect('ecr');
      return { kind, value, echo: tokens.number() };
    }
    case 'sack':
      return { kind, blocks: parseBlocks(tokens) };
    default: {
      const number = NUMBERS[kind];
      if (number === undefined) throw new UnknownLine(line, `the option ${kind}`);
      const prefix = kind === 'FOEXP' ? FAST_OPEN_EXPERIMENT : [];
      return { kind: 'other', number, bytes: Uint8Array.from([...prefix, ...hexBytes(tokens)]) };
    }
  }
}

/** Parses `<…>` of a packet; `undefined` for `<...>`, an empty list if there is none. */
export function parseOptions(tokens: Tokens): TcpOption[] | undefined {
  if (!tokens.take('<')) return [];
  if (tokens.take('...')) {
    tokens.expect('>');
    return undefined;
  }
  const options: TcpOption[] = [];
  do options.push(parseOption(tokens));
  while (tokens.take(','));
  tokens.expect('>');
  return options;
}

function bytesOf(option: TcpOption): number[] {
  const words = (...values: number[]): number[] =>
    values.flatMap((value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff));
  switch (option.kind) {
    case 'eol':
      return [0];
    case 'nop':
      return [1];
    case 'mss':
      return [2, 4, option.value >>> 8, option.value & 0xff];
    case 'wscale':
      return [3, 3, option.value];
    case 'sackOK':
      return [4, 2];
    case 'sack':
      return [5, 2 + option.blocks.length * 8, ...words(...option.blocks.flat())];
    case 'TS':
      return [8, 10, ...words(option.value, option.echo)];
    case 'other':
      return [option.number, 2 + option.bytes.length, ...option.bytes];
  }
}

/** Returns the bytes of options, filled up to whole words with the end of the list. */
export function encodeOptions(options: readonly TcpOption[]): Uint8Array {
  const bytes = options.flatMap(bytesOf);
  while (bytes.length % 4 !== 0) bytes.push(0);
  return Uint8Array.from(bytes);
}

function decodeOption(kind: number, body: DataView): TcpOption {
  const { byteLength } = body;
  if (kind === 2 && byteLength === 2) return { kind: 'mss', value: body.getUint16(0) };
  if (kind === 3 && byteLength === 1) return { kind: 'wscale', value: body.getUint8(0) };
  if (kind === 4 && byteLength === 0) return { kind: 'sackOK' };
  if (kind === 8 && byteLength === 8)
    return { kind: 'TS', value: body.getUint32(0), echo: body.getUint32(4) };
  if (kind === 5 && byteLength > 0 && byteLength % 8 === 0) {
    const starts = Array.from({ length: byteLength / 8 }, (_, index) => index * 8);
    return { kind: 'sack', blocks: starts.map((at) => [body.getUint32(at), body.getUint32(at + 4)]) };
  }
  const bytes = new Uint8Array(body.buffer, body.byteOffset, byteLength).slice();
  return { kind: 'other', number: kind, bytes };
}

/** Returns the options of a header. Throws if one does not fit. */
export function decodeOptions(bytes: Uint8Array): TcpOption[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const options: TcpOption[] = [];
  for (let at = 0; at < bytes.length;) {
    const kind = view.getUint8(at);
    if (kind <= 1) {
      options.push({ kind: kind === 0 ? 'eol' : 'nop' });
      at += 1;
      continue;
    }
    const length = at + 1 < bytes.length ? view.getUint8(at + 1) : 0;
    if (length < 2 || at + length > bytes.length)
      throw new Error(`option ${kind} of ${length} bytes does not fit`);
    options.push(decodeOption(kind, new DataView(bytes.buffer, bytes.byteOffset + at + 2, length - 2)));
    at += length;
  }
  return options;
}

function formatOption(option: TcpOption): string {
  switch (option.kind) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return option.kind;
    case 'mss':
    case 'wscale':
      return `${option.kind} ${option.value}`;
    case 'TS':
      return `TS val ${option.value} ecr ${option.echo}`;
    case 'sack':
      return `sack ${option.blocks.map((block) => block.join(':')).join(' ')}`;
    case 'other':
      return `${option.number} ${[...option.bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  }
}

/** Returns options as a script writes them. */
export function formatOptions(options: readonly TcpOption[]): string {
  return options.map(formatOption).join(',');
}
