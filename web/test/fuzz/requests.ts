/** Requests as no client should send them: bytes, each of them a character of Latin-1. */
import { pack } from './values.js';
import type { Random } from './random.js';

/** Name of a header that no answer may have: a request has tried to put it there. */
export const INJECTED = 'x-injected';

/** Path below which only bodies name one, the seed of their connection: no handler may see it. */
export const HIDDEN = '/hidden';

const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH'] as const;
const ODD_METHODS = [
  'PROPFIND',
  'CONNECT',
  'TRACE',
  'QUERY',
  'get',
  'G\0T',
  '',
  'M-SEARCH',
  'PRI',
  'GETX',
] as const;

const PATHS = [
  '/',
  '/on',
  '/throw',
  '/late',
  '/files/a.txt',
  '/files/large.bin',
  '/files/',
  '/files',
  '/template/t.txt',
  '/json',
  '/fetch/x',
  '/upload',
  '/basic',
  '/digest',
  '/bearer',
  '/ws',
  '/events',
  '/redirect',
  '/chunked',
  '/download',
  '/body',
  '/limited',
  '/cors',
  '/regex/12',
  '/nothing',
  '/param',
] as const;

const ODD_PIECES = [
  '%00',
  '%',
  '%zz',
  '%2e%2e',
  '..',
  '.',
  '//',
  '/',
  '\\',
  '%5c',
  '%2f',
  '%c0%af',
  '%ff',
  '%u0041',
  '*',
  '#',
  '?',
  ';',
  ' ',
  '\t',
  '\0',
  '\r',
  '\n',
  '\x80',
  '\xff',
  '%0d%0aX-Injected:%201',
  '__proto__',
  'constructor',
  '%e2%82%ac',
  '.gz',
  ':',
  '@',
  '%25',
  '[',
  '|',
  '"',
  '<',
] as const;

const HEADERS = [
  'X: y',
  'Accept-Encoding: gzip',
  'Accept-Encoding: gzip;q=0, *',
  'Range: bytes=0-3',
  'Range: bytes=-1',
  'Range: bytes=5-1,9-',
  'Range: bytes=0-0,1-1,2-2',
  'If-None-Match: *',
  'If-Match: "x"',
  'If-Range: "x"',
  'If-Modified-Since: now',
  'If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT',
  'Origin: http://x',
  'Access-Control-Request-Method: PUT',
  'Access-Control-Request-Headers: a\x80',
  'Expect: 100-continue',
  'Expect: x',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Version: 99',
  'Sec-WebSocket-Extensions: permessage-deflate; x=y',
  'Last-Event-ID: 7',
  'Last-Event-ID: \xff',
  'Authorization: Basic dTpw',
  'Authorization: Basic !',
  'Authorization: Bearer t',
  'Authorization: Digest username="u", nonce="x", nc=00000001',
  'Authorization: Digest a="',
  'Authorization: \xff',
  'Cookie: a=b',
  'Content-Encoding: gzip',
  'Content-Type: text/plain; charset=x',
  'Trailer: x',
  'TE: trailers',
  'Host: y',
  'Host: ',
  'Host: a b',
  '__proto__: x',
  'constructor: x',
  'X-Injected\r\n: 1',
  'X: a\r\n b',
  'X : y',
  ': x',
  'X',
  'X: \0',
  'X: \x7f',
  'x: a\rX-Injected: 1',
  'x: a\nX-Injected: 1',
  'Content-Length: 5',
  'Content-Length: +1',
  'Content-Length: 1, 1',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding:\x0bchunked',
  'Keep-Alive: timeout=99',
  'Max-Forwards: 0',
] as const;

const TYPES = [
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=b',
  'multipart/form-data',
  'application/msgpack',
  'text/plain',
  'application/x+json',
  'multipart/form-data; boundary="',
  '',
  '\xff/\xff',
] as const;

export interface RandomRequest {
  readonly bytes: string;
  /** True if it says rightly where its body ends: no handler may see what is in there. */
  readonly isFramed: boolean;
}

/**
 * Returns a request, or what looks like one.
 * @param hidden a request that some bodies have in them.
 */
export function randomRequest(random: Random, hidden: string): RandomRequest {
  const isOdd = random.once(3);
  const isFramed = !isOdd;
  const lines = headersOf(random, isOdd);
  const method = isOdd && random.once(6) ? random.of(ODD_METHODS) : random.of(METHODS);
  const body = method === 'GET' && !random.once(8) ? undefined : bodyOf(random, hidden);
  if (body !== undefined) lines.push(`Content-Type: ${body.type}`);
  const text = body === undefined ? '' : framed(random, lines, body.text, isOdd);
  const version = isOdd && random.once(8) ? random.of(['1.0', '2.0', '0.9', '1.10', 'x']) : '1.1';
  const line = `${method} ${targetOf(random, isOdd)} HTTP/${version}`;
  const head = [line, ...lines, '', ''].join('\r\n');
  const whole = head + text;
  return { bytes: isOdd && random.once(3) ? mutated(random, whole) : whole, isFramed };
}

function targetOf(random: Random, isOdd: boolean): string {
  let target: string = random.of(PATHS);
  if (random.once(20)) target = `/files/${'deep/'.repeat(random.below(40))}x`;
  for (let left = random.below(3); left > 0; left -= 1) {
    const piece = isOdd
      ? random.of(ODD_PIECES)
      : random.of(['%2e%2e/', '%00', 'x', '/', '%20', '.gz', '%c3%a4']);
    const at = 1 + random.below(target.length);
    if (random.once(3)) target = target.slice(0, at) + piece + target.slice(at);
  }
  if (random.once(3)) target += `?${queryOf(random)}`;
  if (random.once(60)) target += 'x'.repeat(random.below(20_000));
  if (random.once(30)) target = `http://${random.of(['x', 'other', 'u:p@x', '[::1]:8'])}${target}`;
  if (isOdd && random.once(20)) target = random.of(['*', 'x', 'http://', 'ftp://x/', '/\x80', '//x', '?']);
  return target;
}

function queryOf(random: Random): string {
  if (random.once(40)) return 'a&'.repeat(random.below(1500));
  const names = ['a', '__proto__', 'constructor', 'to', 'name', '%ff', '%0d%0a', ''] as const;
  const values = [
    '1',
    '%0d%0aX-Injected:%201',
    '%E4',
    '/x',
    '//evil',
    '%00',
    '%f0%9f%98%80',
    '"',
    'a+b',
  ] as const;
  return Array.from({ length: 1 + random.below(4) }, () => `${random.of(names)}=${random.of(values)}`).join(
    '&',
  );
}

function headersOf(random: Random, isOdd: boolean): string[] {
  const lines = isOdd && random.once(10) ? [] : ['Host: x'];
  // Those from here on say where the body ends, or are none.
  const good = HEADERS.indexOf('Host: y');
  for (let left = random.below(4); left > 0; left -= 1) {
    lines.push(isOdd ? random.of(HEADERS) : (HEADERS[random.below(good)] ?? 'X: y'));
  }
  if (random.once(12)) {
    lines.push('Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13');
    lines.push('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==');
  }
  if (random.once(60)) for (let left = random.below(140); left > 0; left -= 1) lines.push(`X${left}: y`);
  if (random.once(60)) lines.push(`X: ${'y'.repeat(random.below(20_000))}`);
  return lines;
}

interface Body {
  readonly type: string;
  readonly text: string;
}

function bodyOf(random: Random, hidden: string): Body {
  switch (random.below(7)) {
    case 0:
      return { type: 'application/json', text: jsonOf(random) };
    case 1:
      return { type: 'application/x-www-form-urlencoded', text: queryOf(random) };
    case 2:
      return { type: 'multipart/form-data; boundary=b', text: formOf(random, hidden) };
    case 3:
      return { type: 'application/msgpack', text: pack(random) };
    case 4:
      return { type: 'text/plain', text: hidden };
    case 5:
      return { type: random.of(TYPES), text: random.bytes(random.below(200)) };
    default:
      return { type: random.of(TYPES), text: 'z'.repeat(random.below(random.once(20) ? 40_000 : 100)) };
  }
}

function jsonOf(random: Random): string {
  const text = random.of([
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    '[1,2',
    '"\xff"',
    '{}',
    'null',
    '',
    '{"a":1e999}',
    '\uFEFF{}'.slice(1),
    '"\\ud800"',
  ]);
  return random.once(20) ? '['.repeat(random.below(30_000)) : text;
}

function formOf(random: Random, hidden: string): string {
  const parts = [
    '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n',
    '--b\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\n1\r\n',
    '--b\r\nContent-Disposition: form-data; name="f"; filename="../../x\r\n"\r\n\r\nz\r\n',
    '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n__proto__: y\r\nconstructor: y\r\n\r\nz\r\n',
    "--b\r\nContent-Disposition: form-data; filename*=utf-8''%ff; name=g\r\n\r\n\r\n",
    `--b\r\nContent-Disposition: form-data; name="h"\r\nContent-Type: text/plain; charset=x\r\n\r\n${hidden}\r\n`,
  ] as const;
  let form = '';
  for (let left = random.below(5); left > 0; left -= 1) form += random.of(parts);
  form += '--b--\r\n';
  return random.once(3) ? mutated(random, form) : form;
}

/** Returns a body as it is sent, and adds the headers that say where it ends, rightly or not. */
function framed(random: Random, lines: string[], text: string, isOdd: boolean): string {
  if (random.once(2)) {
    const wrong = isOdd && random.once(3) ? random.below(9) - 4 : 0;
    lines.push(`Content-Length: ${text.length + wrong}`);
    return text;
  }
  lines.push('Transfer-Encoding: chunked');
  let chunks = '';
  for (let at = 0; at < text.length;) {
    const length = Math.min(text.length - at, 1 + random.below(random.once(2) ? 10 : 5000));
    const size = length.toString(16) + (random.once(20) ? ';a=b' : '');
    chunks += `${size}\r\n${text.slice(at, at + length)}\r\n`;
    at += length;
  }
  chunks += random.once(10) ? '0\r\nX: y\r\n\r\n' : '0\r\n\r\n';
  return isOdd && random.once(3) ? mutated(random, chunks) : chunks;
}

/** Returns text with some bytes put in, taken out, changed or doubled. */
function mutated(random: Random, text: string): string {
  let now = text;
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    const at = random.below(now.length + 1);
    const end = at + random.below(random.once(2) ? 3 : 40);
    switch (random.below(4)) {
      case 0:
        now = now.slice(0, at) + random.of(ODD_PIECES) + now.slice(at);
        break;
      case 1:
        now = now.slice(0, at) + now.slice(end);
        break;
      case 2:
        now = now.slice(0, at) + random.bytes(1) + now.slice(at + 1);
        break;
      default:
        now = now.slice(0, end) + now.slice(at);
    }
  }
  return now;
}
