/** Headers of the PROXY protocol, good and bad ones, after `proxy-protocol.txt`; each torn at every byte. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PreambleAnswer } from '../asynctcp/preamble.js';
import { crc32c } from './crc32c.js';
import { ProxyCounts } from './proxy-counts.js';
import type { HeaderFault, ProxyHeader } from './proxy-header.js';
import { ProxyReader, readHeader } from './proxy-reader.js';
import { proxyTlvs } from './proxy-v2.js';

const MOST = 4096;
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const V4 = 'c0000201 c6336402 d903 01bb';
const V6 = `20010db8${'00'.repeat(11)}01 20010db8${'00'.repeat(11)}02 d903 01bb`;

const text = (line: string): Uint8Array => new TextEncoder().encode(line);

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A header of version 2 whose length is right. */
function v2(command: string, kind: string, block = ''): Uint8Array {
  const length = bytesOf(block).length.toString(16).padStart(4, '0');
  return bytesOf(`${SIGNATURE}${command}${kind}${length}${block}`);
}

/** A value of version 2. */
function tlv(type: string, value: string): string {
  return `${type}${bytesOf(value).length.toString(16).padStart(4, '0')}${value}`;
}

/** A header with a checksum behind `block`. */
function summed(block: string, change = 0): Uint8Array {
  const header = v2('21', '11', `${block}${tlv('03', '00000000')}`);
  new DataView(header.buffer).setUint32(header.length - 4, crc32c(header) ^ change);
  return header;
}

function said(
  version: 1 | 2,
  from?: [string, number],
  to: [string, number] = ['198.51.100.2', 443],
): ProxyHeader {
  const [source, destination] = [from, from === undefined ? undefined : to].map((end) =>
    end === undefined ? undefined : { address: end[0], port: end[1] },
  );
  return { version, command: 'PROXY', source, destination, tlvs: [] };
}

const LOCAL: ProxyHeader = { ...said(2), command: 'LOCAL' };
const FROM: [string, number] = ['192.0.2.1', 55_555];
const TO6: [string, number] = ['2001:db8::2', 443];
const FULL = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';

const GOOD: readonly [what: string, bytes: Uint8Array, header: ProxyHeader][] = [
  ['TCP4', text('PROXY TCP4 192.0.2.1 198.51.100.2 55555 443\r\n'), said(1, FROM)],
  [
    'the longest TCP4',
    text('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'),
    said(1, ['255.255.255.255', 65_535], ['255.255.255.255', 65_535]),
  ],
  ['zeros', text('PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n'), said(1, ['0.0.0.0', 0], ['0.0.0.0', 0])],
  [
    'TCP6',
    text('PROXY TCP6 2001:DB8:0:0::1 2001:0db8::0002 55555 443\r\n'),
    said(1, ['2001:db8::1', 55_555], TO6),
  ],
  [
    'the longest TCP6',
    text(`PROXY TCP6 ${FULL} ${FULL} 65535 65535\r\n`),
    said(1, [FULL, 65_535], [FULL, 65_535]),
  ],
  [
    'a mapped address, with dots as HAProxy writes it',
    text('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 55555 443\r\n'),
    said(1, FROM),
  ],
  ['UNKNOWN', text('PROXY UNKNOWN\r\n'), said(1)],
  ['the longest UNKNOWN', text(`PROXY UNKNOWN ${FULL} ${FULL} 65535 65535\r\n`), said(1)],
  ['UNKNOWN with anything behind it', text('PROXY UNKNOWN \n\r\x00 TCP4 ÿ\r\n'), said(1)],
  ['TCP over IPv4', v2('21', '11', V4), said(2, FROM)],
  ['TCP over IPv6', v2('21', '21', V6), said(2, ['2001:db8::1', 55_555], TO6)],
  [
    'a mapped address',
    v2('21', '21', `${'00'.repeat(10)}ffffc0000201 ${'00'.repeat(10)}ffffc6336402 d903 01bb`),
    said(2, FROM),
  ],
  ['LOCAL', v2('20', '00'), LOCAL],
  ['LOCAL with a block of any content', v2('20', 'ff', 'deadbeef'), LOCAL],
  ['an unspecified family', v2('21', '00'), said(2)],
  ['an unspecified family with a block', v2('21', '00', 'deadbeef'), said(2)],
  ['an unspecified transport', v2('21', '10', V4), said(2)],
  ['UDP over IPv4', v2('21', '12', V4), said(2)],
  ['UDP over IPv6', v2('21', '22', V6), said(2)],
  ['a UNIX stream', v2('21', '31', '2f'.repeat(216)), said(2)],
  ['a UNIX datagram', v2('21', '32', '2f'.repeat(216)), said(2)],
  [
    'values',
    v2('21', '11', `${V4}${tlv('01', '6832')}${tlv('04', '')}${tlv('e0', '00')}`),
    {
      ...said(2, FROM),
      tlvs: [
        { type: 1, value: bytesOf('6832') },
        { type: 4, value: new Uint8Array() },
        { type: 0xe0, value: bytesOf('00') },
      ],
    },
  ],
  [
    'a unique id of 128 bytes',
    v2('21', '11', `${V4}${tlv('05', 'aa'.repeat(128))}`),
    { ...said(2, FROM), tlvs: [{ type: 5, value: bytesOf('aa'.repeat(128)) }] },
  ],
  [
    'a right checksum',
    summed(`${V4}${tlv('02', '61')}`),
    {
      ...said(2, FROM),
      tlvs: [
        { type: 2, value: bytesOf('61') },
        { type: 3, value: summed(`${V4}${tlv('02', '61')}`).slice(-4) },
      ],
    },
  ],
  [
    'as many bytes as are taken',
    v2('21', '11', `${V4}${tlv('04', '00'.repeat(MOST - 16 - 12 - 3))}`),
    { ...said(2, FROM), tlvs: [{ type: 4, value: new Uint8Array(MOST - 16 - 12 - 3) }] },
  ],
];

const line = (rest: string): Uint8Array => text(`PROXY ${rest}\r\n`);
const BAD: readonly [what: string, bytes: Uint8Array, fault?: HeaderFault][] = [
  ['HTTP', text('GET / HTTP/1.1\r\n')],
  ['TLS', bytesOf('1603010200')],
  ['an empty line', text('\r\nG')],
  ['another word', text('PROXX TCP4')],
  ['small letters', text('proxy TCP4 192.0.2.1 198.51.100.2 55555 443\r\n')],
  ['two spaces', line(' TCP4 192.0.2.1 198.51.100.2 55555 443')],
  ['a space too many', line('TCP4 192.0.2.1  198.51.100.2 55555 443')],
  ['a space at the end', line('TCP4 192.0.2.1 198.51.100.2 55555 443 ')],
  ['a tab', line('TCP4\t192.0.2.1 198.51.100.2 55555 443')],
  ['UDP4', line('UDP4 192.0.2.1 198.51.100.2 55555 443')],
  ['UNKNOWNS', line('UNKNOWNS')],
  ['no ports', line('TCP4 192.0.2.1 198.51.100.2')],
  ['one port', line('TCP4 192.0.2.1 198.51.100.2 55555')],
  ['three ports', line('TCP4 192.0.2.1 198.51.100.2 55555 443 1')],
  ['a zero ahead in an address', line('TCP4 192.0.02.1 198.51.100.2 55555 443')],
  ['a zero ahead in a port', line('TCP4 192.0.2.1 198.51.100.2 055 443')],
  ['256', line('TCP4 192.0.2.256 198.51.100.2 55555 443')],
  ['three numbers', line('TCP4 192.0.2 198.51.100.2 55555 443')],
  ['five numbers', line('TCP4 192.0.2.1.1 198.51.100.2 55555 443')],
  ['port 65536', line('TCP4 192.0.2.1 198.51.100.2 65536 443')],
  ['a negative port', line('TCP4 192.0.2.1 198.51.100.2 -1 443')],
  ['a hexadecimal port', line('TCP4 192.0.2.1 198.51.100.2 0x50 443')],
  ['IPv6 for TCP4', line('TCP4 2001:db8::1 2001:db8::2 55555 443')],
  ['IPv4 for TCP6', line('TCP6 192.0.2.1 198.51.100.2 55555 443')],
  ['a zone', line('TCP6 fe80::1%eth0 2001:db8::2 55555 443')],
  ['two gaps', line('TCP6 2001::db8::1 2001:db8::2 55555 443')],
  ['nine groups', line('TCP6 1:2:3:4:5:6:7:8:9 2001:db8::2 55555 443')],
  ['five digits', line('TCP6 12345::1 2001:db8::2 55555 443')],
  ['a name', line('TCP4 localhost 198.51.100.2 55555 443')],
  ['digits of another script', line('TCP4 192.0.2.١ 198.51.100.2 55555 443')],
  ['a zero byte', line('TCP4 192.0.2.1\x00 198.51.100.2 55555 443')],
  ['an LF alone', text('PROXY TCP4 192.0.2.1 198.51.100.2 55555 443\n')],
  ['a CR alone', text('PROXY TCP4 192.0.2.1 198.51.100.2 55555 443\rG')],
  ['an LF alone behind UNKNOWN', text('PROXY UNKNOWN\n')],
  ['no CRLF in 107 bytes', text(`PROXY UNKNOWN ${'x'.repeat(93)}`), 'tooLong'],
  ['a CRLF that ends in byte 108', text(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`), 'tooLong'],
  ['a signature with another end', bytesOf(`${SIGNATURE.slice(0, -2)}0b`)],
  ['a signature with another middle', bytesOf('0d0a0d0a010d0a515549540a')],
  ['version 1 in binary', v2('11', '11', V4)],
  ['version 3', v2('31', '11', V4)],
  ['command 2', v2('22', '11', V4)],
  ['command 15', v2('2f', '11', V4)],
  ['family 4', v2('21', '41', V4)],
  ['family 15', v2('21', 'f1', V4)],
  ['transport 3', v2('21', '13', V4)],
  ['transport 15', v2('21', '1f', V4)],
  ['too few bytes for IPv4', v2('21', '11', V4.slice(0, -2))],
  ['no bytes for IPv4', v2('21', '11')],
  ['too few bytes for IPv6', v2('21', '21', V6.slice(0, -2))],
  ['too few bytes for UNIX', v2('21', '31', '2f'.repeat(215))],
  ['half of a value', v2('21', '11', `${V4}01`)],
  ['a value longer than the header', v2('21', '11', `${V4}010002aa`)],
  ['a unique id of 129 bytes', v2('21', '11', `${V4}${tlv('05', 'aa'.repeat(129))}`)],
  ['a wrong checksum', summed(V4, 1)],
  ['a checksum of 3 bytes', v2('21', '11', `${V4}${tlv('03', '000000')}`)],
  ['two checksums', summed(`${V4}${tlv('03', '00000000')}`)],
  [
    'one byte more than is taken',
    bytesOf(`${SIGNATURE}2111${(MOST - 15).toString(16).padStart(4, '0')}`),
    'tooLong',
  ],
  ['65535 bytes', bytesOf(`${SIGNATURE}2111ffff`), 'tooLong'],
];

/** Reads pieces up to an answer other than `more`. Returns it, and the bytes before the last piece. */
function readPieces(counts: ProxyCounts, pieces: readonly Uint8Array[]): [PreambleAnswer, number] {
  const reader = new ProxyReader(counts, MOST, '192.0.2.9');
  let before = 0;
  for (const piece of pieces) {
    const answer = reader.read(piece);
    if (answer !== 'more') return [answer, before];
    before += piece.length;
  }
  return ['more', before];
}

/** Ways to tear bytes: whole, in two at every place, byte by byte. */
function* torn(bytes: Uint8Array): Generator<Uint8Array[]> {
  yield [bytes];
  const step = Math.max(1, Math.floor(bytes.length / 300));
  for (let at = 1; at < bytes.length; at += step) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield Array.from(bytes, (byte) => Uint8Array.of(byte));
}

describe('the header', () => {
  for (const [what, bytes, header] of GOOD) {
    it(`takes ${what}`, () => {
      const counts = new ProxyCounts();
      const behind = text('\r\nPROXY data');
      for (const pieces of torn(Uint8Array.of(...bytes, ...behind))) {
        const [answer, before] = readPieces(counts, pieces);
        assert.ok(typeof answer === 'object');
        assert.deepEqual(answer.details, header);
        assert.equal(before + answer.bytes, bytes.length);
        const { source, destination } = header;
        const isNamed = source !== undefined;
        assert.deepEqual(answer.ends, isNamed ? { local: destination, remote: source } : undefined);
      }
      assert.equal(counts.figures().lastRefusal, undefined);
    });

    it(`waits for the rest of ${what}`, () => {
      const counts = new ProxyCounts();
      for (let length = 1; length < Math.min(bytes.length, 300); length += 1) {
        assert.equal(readPieces(counts, [bytes.subarray(0, length)])[0], 'more', `${length} bytes`);
      }
      assert.equal(counts.figures().passed, 0);
    });
  }

  for (const [what, bytes, fault = 'malformed'] of BAD) {
    it(`refuses ${what}`, () => {
      for (const pieces of torn(bytes)) {
        const counts = new ProxyCounts();
        // Behind UNKNOWN everything is ignored up to the CRLF, which never comes.
        const long = [...pieces, text('x'.repeat(107))];
        assert.equal(readPieces(counts, what.includes('UNKNOWN') ? long : pieces)[0], 'refuse');
        const { refused, passed, lastRefusal } = counts.figures();
        const expected = what === 'an LF alone behind UNKNOWN' ? 'malformed' : fault;
        assert.deepEqual([refused[expected], passed, lastRefusal?.reason], [1, 0, expected]);
        assert.equal(lastRefusal?.address, '192.0.2.9');
      }
    });
  }

  it('keeps no memory of the piece that brought it', () => {
    const piece = new Uint8Array(65_536);
    piece.set(v2('21', '11', `${V4}${tlv('02', '61')}`));
    const outcome = readHeader(piece, MOST);
    assert.ok(outcome.kind === 'complete');
    assert.equal(outcome.header.tlvs[0]?.value.buffer.byteLength, 1);
  });
});

describe('crc32c', () => {
  it('has the values of RFC 3720, B.4', () => {
    assert.equal(crc32c(new Uint8Array(32)), 0x8a91_36aa);
    assert.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8_ab43);
    assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd_794e);
    assert.equal(crc32c(text('123456789')), 0xe306_9283);
  });
});

describe('proxyTlvs', () => {
  it('splits the values in a value', () => {
    assert.deepEqual(proxyTlvs(bytesOf(`${tlv('21', '544c53')}${tlv('22', '')}`)), [
      { type: 0x21, value: text('TLS') },
      { type: 0x22, value: new Uint8Array() },
    ]);
    assert.deepEqual(proxyTlvs(new Uint8Array()), []);
  });

  it('refuses what is cut off', () => {
    for (const hex of ['21', '2100', '210001']) {
      assert.throws(() => proxyTlvs(bytesOf(hex)), {
        name: 'RangeError',
        message: 'bytes must be whole TLVs, but the last one is cut off',
      });
    }
  });
});
