import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient } from '../asynctcp/async-client.js';
import { AsyncServer } from '../asynctcp/async-server.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { pipe } from './pipe.js';
import { ProxyTlvType, type ProxyHeader } from './proxy-header.js';
import { proxyInfo, proxyProtocol } from './proxy-protocol.js';
import { readHeader } from './proxy-reader.js';
import { proxyHeader, writeProxyHeader, type ProxyHeaderOptions } from './proxy-writer.js';

const SOURCE = { address: '192.0.2.1', port: 55_555 };
const DESTINATION = { address: '198.51.100.2', port: 443 };
const ENDS = { source: SOURCE, destination: DESTINATION };
const ENDS6 = { source: { address: '2001:db8::1', port: 1 }, destination: { address: '::1', port: 65_535 } };

function reread(options: ProxyHeaderOptions): ProxyHeader {
  const bytes = proxyHeader(options);
  const outcome = readHeader(bytes, 65_551);
  assert.ok(outcome.kind === 'complete');
  assert.equal(outcome.bytes, bytes.length);
  return outcome.header;
}

describe('proxyHeader', () => {
  it('writes the line of version 1', () => {
    const lineOf = (options: ProxyHeaderOptions): string => new TextDecoder().decode(proxyHeader(options));
    assert.equal(lineOf({ version: 1, ...ENDS }), 'PROXY TCP4 192.0.2.1 198.51.100.2 55555 443\r\n');
    assert.equal(lineOf({ version: 1, ...ENDS6 }), 'PROXY TCP6 2001:db8::1 ::1 1 65535\r\n');
    assert.equal(lineOf({ version: 1 }), 'PROXY UNKNOWN\r\n');
  });

  it('writes version 2 to the byte, by default', () => {
    const hex = Buffer.from(proxyHeader(ENDS)).toString('hex');
    assert.equal(hex, '0d0a0d0a000d0a515549540a2111000cc0000201c6336402d90301bb');
    assert.equal(Buffer.from(proxyHeader({})).toString('hex'), '0d0a0d0a000d0a515549540a20000000');
  });

  it('is read again as it was meant', () => {
    const tlvs = [
      { type: ProxyTlvType.ALPN, value: Uint8Array.of(104, 50) },
      { type: ProxyTlvType.UNIQUE_ID, value: new Uint8Array(128).fill(7) },
      { type: 0xe0, value: new Uint8Array() },
    ];
    for (const ends of [ENDS, ENDS6]) {
      assert.deepEqual(reread({ version: 1, ...ends }), { version: 1, command: 'PROXY', ...ends, tlvs: [] });
      assert.deepEqual(reread({ tlvs, ...ends }), { version: 2, command: 'PROXY', ...ends, tlvs });
      const summed = reread({ tlvs, checksum: true, ...ends });
      assert.deepEqual(summed.tlvs.slice(0, 3), tlvs);
      assert.equal(summed.tlvs[3]?.type, ProxyTlvType.CRC32C);
    }
    const longest = { type: 0xe0, value: new Uint8Array(65_535 - 12 - 3) };
    assert.deepEqual(reread({ ...ENDS, tlvs: [longest] }).tlvs, [longest]);
  });

  it('leaves out a zone, and takes an IPv4-mapped address for IPv4', () => {
    const { source } = reread({ ...ENDS6, source: { address: 'fe80::1%eth0', port: 1 } });
    assert.equal(source?.address, 'fe80::1');
    assert.equal(
      reread({ ...ENDS, source: { address: '::ffff:192.0.2.7', port: 1 } }).source?.address,
      '192.0.2.7',
    );
  });

  it('of one end of IPv4 and one of IPv6 is read again as it was meant', () => {
    const down = { source: SOURCE, destination: ENDS6.destination };
    const up = { source: ENDS6.source, destination: DESTINATION };
    for (const ends of [down, up]) {
      for (const version of [1, 2] as const) {
        assert.deepEqual(reread({ version, ...ends }), { version, command: 'PROXY', ...ends, tlvs: [] });
      }
    }
    const line = new TextDecoder().decode(proxyHeader({ version: 1, ...down }));
    assert.equal(line, 'PROXY TCP6 ::ffff:192.0.2.1 ::1 55555 65535\r\n');
  });

  const value = new Uint8Array();
  const WRONG: readonly [options: unknown, error: string][] = [
    [5, 'TypeError: options must be an object, not 5'],
    [{ version: 3 }, 'RangeError: version must be 1 or 2, not 3'],
    [{ source: SOURCE }, 'TypeError: destination must be an object, not undefined'],
    [{ destination: DESTINATION }, 'TypeError: source must be an object, not undefined'],
    [
      { ...ENDS, source: { address: 'a', port: 1 } },
      'RangeError: source.address must be an IP address, not "a"',
    ],
    [
      { ...ENDS, source: { address: '::1', port: 65_536 } },
      'RangeError: source.port must be an integer from 0 to 65535, not 65536',
    ],
    [{ tlvs: 5 }, 'TypeError: tlvs must be an array, not 5'],
    [{ tlvs: [5] }, 'TypeError: tlvs[0] must be an object, not 5'],
    [{ tlvs: [{ type: 256, value }] }, 'RangeError: tlvs[0].type must be an integer from 0 to 255, not 256'],
    [{ tlvs: [{ type: 1, value: 'h2' }] }, 'TypeError: tlvs[0].value must be a Uint8Array, not "h2"'],
    [
      { tlvs: [{ type: 5, value: new Uint8Array(129) }] },
      'RangeError: length of tlvs[0].value must be an integer from 0 to 128 bytes, not 129',
    ],
    [
      { tlvs: [{ type: 3, value }] },
      'RangeError: tlvs[0].type must not be CRC32C, which checksum: true makes',
    ],
    [
      { ...ENDS, tlvs: [{ type: 1, value: new Uint8Array(65_521) }] },
      'RangeError: length of the addresses and tlvs must be an integer from 0 to 65535 bytes, not 65536',
    ],
    [{ checksum: 1 }, 'TypeError: checksum must be true or false, not 1'],
    [{ version: 1, tlvs: [{ type: 1, value }] }, 'RangeError: tlvs must be empty in version 1, not 1 values'],
    [{ version: 1, checksum: true }, 'RangeError: checksum must be false in version 1, not true'],
  ];
  for (const [options, error] of WRONG) {
    it(`throws ${error}`, () => {
      const [name = '', message = ''] = error.split(/: (.*)/s);
      assert.throws(() => proxyHeader(options as ProxyHeaderOptions), { name, message });
    });
  }
});

describe('writeProxyHeader', () => {
  it('passes the address of an accepted client on, ahead of the first data', async () => {
    const stack = new MemoryStack();
    const back = new AsyncServer(2, { stack, preamble: proxyProtocol({ trusted: ['127.0.0.1'] }) });
    const got: string[] = [];
    const seen: [string, number, string, number, string | undefined][] = [];
    back.onClient((client) => {
      const { proxy } = proxyInfo(client) ?? {};
      seen.push([
        client.remoteIP(),
        client.remotePort(),
        client.localIP(),
        client.localPort(),
        proxy?.address,
      ]);
      client.onData((_, data) => got.push(new TextDecoder().decode(data)));
    });
    const front = new AsyncServer(1, { stack });
    const written: boolean[] = [];
    let outgoing: AsyncClient | undefined;
    front.onClient((client) => {
      outgoing = new AsyncClient({ stack });
      written.push(writeProxyHeader(outgoing, client));
      outgoing.onConnect((next) => {
        written.push(writeProxyHeader(next, client));
        next.write('data');
      });
      outgoing.connect('127.0.0.1', 2);
    });
    await Promise.all([back.begin(), front.begin()]);
    const first = await AsyncClient.open('127.0.0.1', 1, { stack, localPort: 4321 });
    await stack.settle();
    assert.deepEqual(written, [false, true]);
    assert.deepEqual(seen, [['127.0.0.1', 4321, '127.0.0.1', 1, '127.0.0.1']]);
    assert.deepEqual(got, ['data']);
    first.abort();
    await stack.close();
  });

  it('goes ahead of what a pipe carries', async () => {
    const stack = new MemoryStack();
    const back = new AsyncServer(2, { stack, preamble: proxyProtocol({ trusted: ['127.0.0.1'] }) });
    const got: string[] = [];
    back.onClient((client) => {
      got.push(`${client.remotePort()} `);
      client.onData((_, data) => got.push(new TextDecoder().decode(data)));
    });
    const front = new AsyncServer(1, { stack });
    front.onClient((client) => {
      const next = new AsyncClient({ stack });
      next.onConnect(() => writeProxyHeader(next, client, { version: 1 }));
      next.connect('127.0.0.1', 2);
      void pipe(client, next);
    });
    await Promise.all([back.begin(), front.begin()]);
    const first = await AsyncClient.open('127.0.0.1', 1, { stack, localPort: 4321 });
    first.write('early');
    await stack.settle();
    first.write(' late');
    await stack.settle();
    assert.equal(got.join(''), '4321 early late');
    first.abort();
    await stack.close();
  });

  it('takes nothing if there is no space for the whole header', async () => {
    const stack = new MemoryStack({ sendBufferBytes: 2920 });
    const server = new AsyncServer(1, { stack });
    server.onClient((client) => client.pause());
    await server.begin();
    const client = await AsyncClient.open('127.0.0.1', 1, { stack });
    client.add(new Uint8Array(client.space() - 27));
    assert.equal(writeProxyHeader(client, client), false);
    assert.equal(client.space(), 27);
    client.abort();
    await stack.close();
  });
});
