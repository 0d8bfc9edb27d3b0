import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DROP_REASONS } from '../counters.js';
import { checksumOf, sumWords } from '../wire/checksum.js';
import { MOST_OPTIONS } from '../wire/ipv6.js';
import { bound, TestHost } from './hosts.test.js';

/** A UDP datagram 192.0.2.1:9 > 10.0.0.1:7 with the data 'hi', checksum 0. */
function datagram4(change: (view: DataView) => void = () => undefined): Uint8Array {
  const bytes = new Uint8Array(30);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x4500_001e);
  view.setUint32(8, 0x4011_0000);
  view.setUint32(12, 0xc000_0201);
  view.setUint32(16, 0x0a00_0001);
  view.setUint32(20, 0x0009_0007);
  view.setUint32(24, 0x000a_0000);
  bytes.set([0x68, 0x69], 28);
  change(view);
  view.setUint16(10, 0);
  view.setUint16(10, checksumOf(sumWords(view, 0, 20)));
  return bytes;
}

/** A packet fd00::9 > fd00::1 with the next header and payload. */
function packet6(nextHeader: number, payload: readonly number[], hopLimit = 64): Uint8Array {
  const bytes = new Uint8Array(40 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x6000_0000);
  view.setUint16(4, payload.length);
  view.setUint8(6, nextHeader);
  view.setUint8(7, hopLimit);
  bytes.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], 8);
  bytes.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 24);
  bytes.set(payload, 40);
  return bytes;
}

/** The datagram fd00::9:9 > fd00::1:7 without data. */
function udp6(): number[] {
  const segment = [0, 9, 0, 7, 0, 8, 0, 0];
  const view = new DataView(packet6(17, segment).buffer);
  const checksum = checksumOf(sumWords(view, 8, 48) + 17 + 8);
  return [0, 9, 0, 7, 0, 8, checksum >>> 8, checksum & 255];
}

function host(): TestHost {
  return new TestHost(['10.0.0.1/24', 'fd00::1/64'], { medium: 'ip' });
}

describe('IPv4 drops with a reason', () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['a packet of another version', Uint8Array.of(0x50, 0, 0, 0), 'badVersion'],
    ['no bytes at all', new Uint8Array(0), 'shortPacket'],
    ['fewer bytes than a header', datagram4().slice(0, 19), 'shortPacket'],
    ['a header length below 20', datagram4((view) => view.setUint8(0, 0x44)), 'badHeaderLength'],
    ['a header length past the end', datagram4((view) => view.setUint8(0, 0x4f)), 'badHeaderLength'],
    ['a total length past the end', datagram4((view) => view.setUint16(2, 31)), 'badTotalLength'],
    ['a total length below the header', datagram4((view) => view.setUint16(2, 19)), 'badTotalLength'],
    ['source 0.0.0.0', datagram4((view) => view.setUint32(12, 0)), 'badSource'],
    ['source 127.0.0.1', datagram4((view) => view.setUint32(12, 0x7f00_0001)), 'badSource'],
    ['source 224.0.0.1', datagram4((view) => view.setUint32(12, 0xe000_0001)), 'badSource'],
    ['source 255.255.255.255', datagram4((view) => view.setUint32(12, 0xffff_ffff)), 'badSource'],
    ['the source of its subnet broadcast', datagram4((view) => view.setUint32(12, 0x0a00_00ff)), 'badSource'],
    ['its own address as source', datagram4((view) => view.setUint32(12, 0x0a00_0001)), 'spoofedSource'],
    ['a packet for another host', datagram4((view) => view.setUint32(16, 0x0a00_0002)), 'notForThisHost'],
    ['a packet for 127.0.0.1', datagram4((view) => view.setUint32(16, 0x7f00_0001)), 'badDestination'],
    ['a group that was not joined', datagram4((view) => view.setUint32(16, 0xe000_00fb)), 'otherGroup'],
    ['a protocol that is not known', datagram4((view) => view.setUint8(9, 99)), 'unknownProtocol'],
    ['a UDP length past the end', datagram4((view) => view.setUint16(24, 11)), 'badUdp'],
    ['a wrong UDP checksum', datagram4((view) => view.setUint16(26, 1)), 'badUdpChecksum'],
  ];
  for (const [name, bytes, reason] of cases) {
    it(name, () => {
      const receiver = host();
      const socket = bound(receiver, 7);
      receiver.receive(bytes);
      assert.deepEqual(receiver.drops(), { [reason]: 1 });
      assert.equal(socket.receive(), undefined);
      receiver.port.take();
      assert.equal(receiver.frames.taken, 0);
    });
  }

  it('a wrong header checksum', () => {
    const receiver = host();
    const bytes = datagram4();
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    receiver.receive(bytes);
    assert.deepEqual(receiver.drops(), { badHeaderChecksum: 1 });
  });

  it('options that ask for a source route, and malformed ones; others are skipped', () => {
    for (const [options, drops] of [
      [[131, 4, 4, 0], { sourceRoute: 1 }],
      [[137, 4, 4, 0], { sourceRoute: 1 }],
      [[7, 9, 0, 0], { badOptions: 1 }],
      [[7, 1, 0, 0], { badOptions: 1 }],
      [[1, 1, 1, 7], { badOptions: 1 }],
      [[1, 7, 3, 4], {}],
      [[0, 9, 9, 9], {}],
    ] as const) {
      const receiver = host();
      const socket = bound(receiver, 7);
      const plain = datagram4();
      const bytes = new Uint8Array(34);
      bytes.set(plain.subarray(0, 20));
      bytes.set(options, 20);
      bytes.set(plain.subarray(20), 24);
      const view = new DataView(bytes.buffer);
      view.setUint8(0, 0x46);
      view.setUint16(2, 34);
      view.setUint16(10, 0);
      view.setUint16(10, checksumOf(sumWords(view, 0, 24)));
      receiver.receive(bytes);
      assert.deepEqual(receiver.drops(), drops);
      assert.equal(socket.receive() !== undefined, Object.keys(drops).length === 0);
    }
  });

  it('nothing of a good datagram, whose padding it cuts off', () => {
    const receiver = host();
    const socket = bound(receiver, 7);
    receiver.receive(Uint8Array.of(...datagram4(), 0, 0, 0, 0));
    assert.deepEqual(socket.receive()?.bytes, Uint8Array.of(0x68, 0x69));
  });

  it('takes 255.255.255.255, the subnet broadcast and 224.0.0.1 as groups, and refuses no port of theirs', () => {
    for (const word of [0xffff_ffff, 0x0a00_00ff, 0xe000_0001]) {
      const receiver = host();
      const socket = bound(receiver, 7);
      receiver.receive(datagram4((view) => view.setUint32(16, word)));
      assert.ok(socket.receive() !== undefined);
      socket.close();
      receiver.receive(datagram4((view) => view.setUint32(16, word)));
      assert.deepEqual(receiver.port.take(), []);
    }
  });
});

describe('IPv6 passes extension headers', () => {
  const udp = udp6();
  const padding = [1, 4, 0, 0, 0, 0];
  const good: readonly (readonly [string, Uint8Array])[] = [
    ['none', packet6(17, udp)],
    ['hop-by-hop options', packet6(0, [17, 0, ...padding, ...udp])],
    ['destination options after hop-by-hop', packet6(0, [60, 0, ...padding, 17, 0, ...padding, ...udp])],
    ['an unknown option that may be skipped', packet6(60, [17, 0, 0x3e, 4, 1, 2, 3, 4, ...udp])],
    ['a routing header without segments left', packet6(43, [17, 0, 9, 0, 0, 0, 0, 0, ...udp])],
    ['an atomic fragment', packet6(44, [17, 0, 0, 0, 1, 2, 3, 4, ...udp])],
    ['eight options in a header', packet6(60, [17, 2, ...options(MOST_OPTIONS, 22), ...udp])],
    ['eight headers', packet6(60, [...chain(7), 17, 0, ...padding, ...udp])],
  ];
  for (const [name, bytes] of good) {
    it(name, () => {
      const receiver = host();
      const socket = bound(receiver, 7);
      receiver.receive(bytes);
      assert.deepEqual(receiver.drops(), {});
      assert.equal(socket.receive()?.port, 9);
    });
  }

  /** @param problem code and pointer of the parameter problem that is sent. */
  const bad: readonly (readonly [string, Uint8Array, string, [number, number]?])[] = [
    [
      'hop-by-hop that is not the first',
      packet6(60, [0, 0, ...padding, 17, 0, ...padding]),
      'badExtensionHeader',
      [1, 40],
    ],
    ['an option to be reported', packet6(60, [17, 0, 0x80, 4, 1, 2, 3, 4, ...udp]), 'unknownOption', [2, 42]],
    [
      'an option to be reported to hosts',
      packet6(60, [17, 0, 0xc0, 4, 1, 2, 3, 4, ...udp]),
      'unknownOption',
      [2, 42],
    ],
    ['an option to be dropped for', packet6(60, [17, 0, 0x40, 4, 1, 2, 3, 4, ...udp]), 'unknownOption'],
    ['an option past its header', packet6(60, [17, 0, 1, 5, 0, 0, 0, 0, ...udp]), 'unknownOption'],
    [
      'a routing header with segments left',
      packet6(43, [17, 0, 0, 1, 0, 0, 0, 0, ...udp]),
      'sourceRoute',
      [0, 42],
    ],
    [
      'nine options in a header',
      packet6(60, [17, 3, ...options(MOST_OPTIONS + 1, 30), ...udp]),
      'unknownOption',
    ],
    ['a header past the end', packet6(60, [17, 9, ...padding, ...udp]), 'badExtensionHeader'],
    ['a header that is cut', packet6(60, [17, 0, 1]), 'badExtensionHeader'],
    ['nine headers', packet6(60, [...chain(8), 17, 0, ...padding, ...udp]), 'badExtensionHeader'],
    ['no next header', packet6(59, udp), 'noNextHeader'],
    ['an unknown protocol', packet6(99, udp), 'unknownProtocol', [1, 6]],
    [
      'a fragment that ends before all headers',
      packet6(44, [60, 0, 0, 1, 0, 0, 0, 1, 17, 9, 0, 0, 0, 0, 0, 0]),
      'badFragment',
      [3, 0],
    ],
    [
      'a fragment of no multiple of eight',
      packet6(44, [17, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3]),
      'badFragment',
      [0, 4],
    ],
    [
      'a fragment past 65,535',
      packet6(44, [17, 0, 0xff, 0xf8, 0, 0, 0, 1, ...udp, ...udp]),
      'badFragment',
      [0, 42],
    ],
  ];
  for (const [name, bytes, reason, problem] of bad) {
    it(`but not ${name}`, () => {
      const receiver = host();
      receiver.stack.addRoute('::/0', { netInterface: receiver.netInterface });
      receiver.receive(bytes);
      assert.deepEqual(receiver.drops(), { [reason]: 1 });
      const sent = receiver.port.take();
      const answers = sent.map((answer) => [
        answer[40],
        answer[41],
        new DataView(answer.buffer).getUint32(44),
      ]);
      assert.deepEqual(answers, problem === undefined ? [] : [[4, ...problem]]);
      assert.equal(receiver.frames.taken, 0);
    });
  }

  /** Returns options that fill `bytes` bytes. */
  function options(count: number, bytes: number): number[] {
    const first = bytes - 2 * count;
    return [
      1,
      first,
      ...new Array<number>(first).fill(0),
      ...new Array<number[]>(count - 1).fill([1, 0]).flat(),
    ];
  }

  function chain(headers: number): number[] {
    return Array.from({ length: headers }, () => [60, 0, ...padding]).flat();
  }
});

describe('any bytes', () => {
  const addresses = ['10.0.0.1/24', 'fd00::1/64'];
  const seeds = [datagram4(), packet6(17, udp6()), packet6(60, [17, 0, 1, 4, 0, 0, 0, 0, ...udp6()])];

  /** Has the host receive bytes; a drop has a reason of the list. */
  function handled(receiver: TestHost, bytes: Uint8Array): void {
    const before = [...receiver.stack.counters.drops.values()].reduce((sum, count) => sum + count, 0);
    receiver.receive(bytes);
    const reasons = [...receiver.stack.counters.drops.keys()];
    assert.ok(reasons.every((reason) => DROP_REASONS.includes(reason)));
    receiver.stack.flush();
    receiver.port.take();
    const after = [...receiver.stack.counters.drops.values()].reduce((sum, count) => sum + count, 0);
    assert.ok(after >= before);
  }

  for (const medium of ['ip', 'ethernet'] as const) {
    it(`are no exception and cost no frame, over ${medium}`, () => {
      const receiver = new TestHost(addresses, { medium, attach: { mac: '02:00:00:00:00:01' } });
      receiver.port.take();
      const mutated = fc
        .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 6 }))
        .map(([seed, changes]) => {
          const bytes = seed.slice();
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          return bytes;
        });
      const packets = fc.oneof(fc.uint8Array({ maxLength: 120 }), mutated);
      fc.assert(
        fc.property(packets, fc.constantFrom(0x0800, 0x86dd, 0x0806), (packet, etherType) => {
          const header = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, etherType >>> 8, etherType & 255];
          handled(receiver, medium === 'ip' ? packet : Uint8Array.of(...header, ...packet));
        }),
        { numRuns: 3000 },
      );
      while (receiver.stack.nextDeadlineMs() < Infinity) {
        receiver.stack.advance(receiver.stack.nextDeadlineMs());
        receiver.port.take();
      }
      assert.equal(receiver.frames.taken, 0);
    });
  }
});
