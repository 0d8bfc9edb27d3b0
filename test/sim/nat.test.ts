/** NAT: addresses, lifetimes and bounds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ESTABLISHED_MS,
  ICMP_MS,
  MOST_SESSIONS,
  TRANSITORY_MS,
  UDP_MS,
  type NatOptions,
} from '#src/link/nat.js';
import { AsyncClient, AsyncServer } from '#src/index.js';
import { Network } from '#src/sim/network.js';
import { checksumOf, sumWords } from '#src/netstack/wire/checksum.js';
import { hasRightChecksums, ipv4Packet, Testbed, type Arrival, type TcpFields } from './testbed.js';

const MS = 1_000_000;
const INSIDE = 0x0a00_0002;
const OUTSIDE = 0xcb00_7101;
const SERVER = 0xc000_0201;
const SYN = 0x02;
const SYN_ACK = 0x12;
const ACK = 0x10;
const RST = 0x04;

class NatBed extends Testbed {
  constructor(options: NatOptions = {}) {
    super({ nat: { address: '203.0.113.1', ...options } });
  }

  out(fields: TcpFields): Arrival | undefined {
    this.arrivals.length = 0;
    this.link.forward.transmit(ipv4Packet(this.frames, fields));
    this.runTo(this.timeline.nowNs);
    return this.arrivals[0];
  }

  back(fields: TcpFields): Arrival | undefined {
    this.answers.length = 0;
    const ends = { from: [SERVER, 80], to: [OUTSIDE, 40_000] } as const;
    this.link.backward.transmit(ipv4Packet(this.frames, { ...ends, ...fields }));
    this.runTo(this.timeline.nowNs);
    return this.answers[0];
  }

  wait(ms: number): void {
    this.runTo(this.timeline.nowNs + ms * MS);
  }

  establish(): void {
    assert.ok(this.out({ flags: SYN }) && this.back({ flags: SYN_ACK }) && this.out({ flags: ACK }));
  }
}

function endsOf(arrival: Arrival | undefined): number[] {
  assert.ok(arrival !== undefined);
  assert.ok(hasRightChecksums(arrival.bytes));
  const view = new DataView(arrival.bytes.buffer);
  return [view.getUint32(12), view.getUint16(20), view.getUint32(16), view.getUint16(22)];
}

describe('NAT', () => {
  it('rewrites addresses and ports both ways, with right checksums', () => {
    for (const protocol of [6, 17] as const) {
      const bed = new NatBed();
      const payload = Uint8Array.of(1, 2, 3);
      assert.deepEqual(endsOf(bed.out({ flags: SYN, protocol, payload })), [OUTSIDE, 40_000, SERVER, 80]);
      assert.deepEqual(endsOf(bed.back({ flags: SYN_ACK, protocol, payload })), [SERVER, 80, INSIDE, 40_000]);
    }
  });

  it('has an address on links without ARP alone, which nothing would answer for it', () => {
    assert.throws(
      () => new Testbed({ medium: 'ethernet', nat: { address: '203.0.113.1' } }),
      /a link with the address of a NAT is of medium 'ip'/,
    );
  });

  it('gives a second host with the same port another one', () => {
    const bed = new NatBed();
    bed.out({ flags: SYN });
    const [address, port] = endsOf(bed.out({ flags: SYN, from: [INSIDE + 1, 40_000] }));
    assert.equal(address, OUTSIDE);
    assert.notEqual(port, 40_000);
    assert.deepEqual(endsOf(bed.back({ flags: SYN_ACK, to: [OUTSIDE, port ?? 0] })), [
      SERVER,
      80,
      INSIDE + 1,
      40_000,
    ]);
  });

  it('lets in nothing that no session asked for', () => {
    const bed = new NatBed();
    assert.equal(bed.back({ flags: SYN }), undefined);
    bed.establish();
    assert.equal(bed.back({ from: [SERVER + 1, 80] }), undefined);
    assert.equal(bed.back({ from: [SERVER, 81] }), undefined);
    assert.equal(bed.link.backward.dropped.get('NAT'), 3);
  });

  it('forgets an established session at its lifetime, not before', () => {
    const bed = new NatBed();
    bed.establish();
    bed.wait(ESTABLISHED_MS - 1);
    assert.ok(bed.back({}));
    bed.wait(ESTABLISHED_MS);
    assert.equal(bed.back({}), undefined);
    assert.equal(bed.out({}), undefined);
    assert.equal(bed.link.nat?.expired, 1);
  });

  it('forgets a session that is opening or closed at the shorter lifetime', () => {
    const bed = new NatBed();
    bed.out({ flags: SYN });
    bed.wait(TRANSITORY_MS - 1);
    assert.ok(bed.back({ flags: SYN_ACK }));
    assert.ok(bed.out({ flags: ACK | RST }));
    bed.wait(TRANSITORY_MS);
    assert.equal(bed.back({}), undefined);
  });

  it('forgets a session of UDP at its lifetime, not before', () => {
    const bed = new NatBed();
    bed.out({ protocol: 17 });
    bed.wait(UDP_MS - 1);
    assert.ok(bed.back({ protocol: 17 }));
    bed.wait(UDP_MS);
    assert.equal(bed.back({ protocol: 17 }), undefined);
  });

  it('resets the sender of a forgotten session if asked to', () => {
    const bed = new NatBed({ establishedMs: 1000, onExpiry: 'reset' });
    bed.establish();
    bed.wait(1000);
    bed.answers.length = 0;
    assert.equal(bed.out({ sequence: 10, acknowledgement: 77 }), undefined);
    const [reset] = bed.answers;
    assert.deepEqual(endsOf(reset), [SERVER, 80, INSIDE, 40_000]);
    assert.deepEqual(
      [reset?.bytes[33], new DataView(reset?.bytes.buffer ?? new ArrayBuffer(40)).getUint32(24)],
      [RST, 77],
    );
  });

  it('keeps addresses without one of its own, and its number of sessions', () => {
    const bed = new Testbed({ nat: {} });
    for (let count = 0; count <= MOST_SESSIONS; count += 1) {
      bed.link.forward.transmit(ipv4Packet(bed.frames, { flags: SYN, from: [INSIDE + count, 1] }));
    }
    bed.run();
    assert.deepEqual([bed.arrivals.length, bed.link.nat?.sessions], [MOST_SESSIONS, MOST_SESSIONS]);
    assert.deepEqual(endsOf(bed.arrivals[0]), [INSIDE, 1, SERVER, 80]);
    bed.runTo(TRANSITORY_MS * MS);
    bed.link.forward.transmit(ipv4Packet(bed.frames, { flags: SYN, from: [INSIDE, 2] }));
    bed.runTo(bed.timeline.nowNs);
    assert.equal(bed.link.nat?.sessions, 1);
  });

  it('refuses an address that is none of IPv4', () => {
    assert.throws(() => new NatBed({ address: 'fd00::1' }), TypeError);
  });
});

describe('NAT of ICMP', () => {
  it('passes an echo and its answer, with identifiers of its own and right checksums', () => {
    const bed = new NatBed();
    const first = bed.out(echo(8, INSIDE, SERVER, 77));
    assert.deepEqual(echoOf(first), [8, OUTSIDE, SERVER, 77]);
    const second = bed.out(echo(8, INSIDE + 1, SERVER, 77));
    const [, , , identifier = 0] = echoOf(second);
    assert.notEqual(identifier, 77);
    assert.deepEqual(echoOf(bed.back(echo(0, SERVER, OUTSIDE, 77))), [0, SERVER, INSIDE, 77]);
    assert.deepEqual(echoOf(bed.back(echo(0, SERVER, OUTSIDE, identifier))), [0, SERVER, INSIDE + 1, 77]);
  });

  it('lets in no echo, and no answer that nobody has asked for', () => {
    const bed = new NatBed();
    assert.equal(bed.back(echo(8, SERVER, OUTSIDE, 77)), undefined);
    assert.equal(bed.back(echo(0, SERVER, OUTSIDE, 77)), undefined);
    bed.out(echo(8, INSIDE, SERVER, 77));
    assert.equal(bed.back(echo(0, SERVER + 1, OUTSIDE, 77)), undefined);
    assert.equal(bed.back(echo(8, SERVER, OUTSIDE, 77)), undefined);
    assert.equal(bed.out(echo(0, INSIDE, SERVER, 77)), undefined);
  });

  it('forgets an echo at its lifetime, not before', () => {
    const bed = new NatBed();
    bed.out(echo(8, INSIDE, SERVER, 77));
    bed.wait(ICMP_MS - 1);
    assert.ok(bed.back(echo(0, SERVER, OUTSIDE, 77)));
    bed.wait(ICMP_MS);
    assert.equal(bed.back(echo(0, SERVER, OUTSIDE, 77)), undefined);
    assert.equal(bed.link.nat?.expired, 1);
  });

  it('passes an error about an echo, with what the inside knows', () => {
    const bed = new NatBed();
    bed.out(echo(8, INSIDE, SERVER, 5));
    const [, , , identifier = 0] = echoOf(bed.out(echo(8, INSIDE + 1, SERVER, 5)));
    const quoted = bytesOfIcmp(8, identifier);
    const router = 0xc633_6401;
    const error = new Uint8Array(8 + 20 + quoted.length);
    const view = new DataView(error.buffer);
    view.setUint8(0, 11);
    view.setUint8(8, 0x45);
    view.setUint8(8 + 9, 1);
    view.setUint32(8 + 12, OUTSIDE);
    view.setUint32(8 + 16, SERVER);
    error.set(quoted, 28);
    const arrived = bed.back({ from: [router, 0], to: [OUTSIDE, 0], icmp: error });
    assert.ok(arrived !== undefined && hasRightChecksums(arrived.bytes));
    const passed = new DataView(arrived.bytes.buffer);
    assert.deepEqual([passed.getUint32(16), passed.getUint32(28 + 12)], [INSIDE + 1, INSIDE + 1]);
    assert.equal(passed.getUint16(48 + 4), 5);
    assert.deepEqual(arrived.bytes.slice(48), bytesOfIcmp(8, 5));
  });
});

/** Returns the fields of an echo, with right checksums. */
function echo(type: number, from: number, to: number, identifier: number): TcpFields {
  return { from: [from, 0], to: [to, 0], icmp: bytesOfIcmp(type, identifier) };
}

function bytesOfIcmp(type: number, identifier: number): Uint8Array {
  const bytes = new Uint8Array(12).fill(9, 8);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, type);
  view.setUint16(4, identifier);
  view.setUint16(2, checksumOf(sumWords(view, 0, bytes.length)));
  return bytes;
}

/** Returns type, source, destination and identifier. */
function echoOf(arrival: Arrival | undefined): number[] {
  assert.ok(arrival !== undefined);
  assert.ok(hasRightChecksums(arrival.bytes));
  const view = new DataView(arrival.bytes.buffer);
  return [view.getUint8(20), view.getUint32(12), view.getUint32(16), view.getUint16(24)];
}

describe('hosts at both ends of a NAT', () => {
  /** Sends data from inside to a server outside, which sends the same back. Returns what both ends saw. */
  async function echo(impair: (network: Network) => void, bytes: number) {
    const network = new Network({ seed: 1 });
    const inner = network.host('inner', { address: '192.168.1.2' });
    const outer = network.host('outer', { address: '203.0.113.1' });
    network.link(inner, outer, { delayMs: 1, nat: { address: '203.0.113.9' } });
    const seen = { outer: 0, inner: 0, resets: [] as string[] };
    const server = new AsyncServer(80, { stack: outer.stack });
    server.onClient((client) => {
      client.onError(() => seen.resets.push('outer'));
      client.onData((_, data) => {
        seen.outer += data.length;
        client.add(data);
        client.send();
      });
    });
    await server.begin();
    const client = await network.runUntil(AsyncClient.open('outer', 80, { stack: inner.stack }));
    client.onError(() => seen.resets.push('inner'));
    client.onData((_, data) => (seen.inner += data.length));
    client.write('x');
    await network.run(1000);
    impair(network);
    client.write(new Uint8Array(bytes));
    await network.run(5000);
    return { ...seen, resets: seen.resets.sort() };
  }

  for (const side of ['forward', 'backward'] as const) {
    it(`hear that packets are too big: ${side}`, async () => {
      const seen = await echo(({ links }) => links[0]?.[side].set({ pathMtu: 1000 }), 10_000);
      assert.deepEqual(seen, { outer: 10_001, inner: 10_001, resets: [] });
    });
  }

  for (const from of ['inner', 'outer']) {
    it(`are both reset by a packet of the ${from} one`, async () => {
      const { resets } = await echo(({ links }) => {
        links[0]?.resetNext((packet) => packet.from === from && packet.payloadBytes > 0);
      }, 10);
      assert.deepEqual(resets, ['inner', 'outer']);
    });
  }
});
