import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PROFILES, type Profile } from '../profile.js';
import { addressOf, bound, TestHost } from './hosts.test.js';
import { MEMORY_FACTOR, MOST_FRAGMENTS } from './reassembly.js';

const LIMITS = { datagrams: 3, bytes: 10_000, lifeMs: 15_000 };

function withReassembly(reassembly: Profile['ip']['reassembly']): Profile {
  return { ...PROFILES.linux, ip: { ...PROFILES.linux.ip, reassembly } };
}

interface Family {
  readonly name: string;
  readonly client: string;
  readonly server: string;
  readonly length: number;
}

const FAMILIES: readonly Family[] = [
  { name: 'IPv4', client: '10.0.0.1', server: '10.0.0.2', length: 24 },
  { name: 'IPv6', client: 'fd00::1', server: 'fd00::2', length: 64 },
];

function dataOf(bytes: number, first = 0): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => index * 7 + first);
}

/** Returns the fragments of a datagram to port 7, as a client on a link of the MTU sends them. */
class Cutter {
  readonly #client: TestHost;
  readonly #family: Family;

  constructor(family: Family, mtu = 1280) {
    this.#family = family;
    this.#client = new TestHost([`${family.client}/${family.length}`], { medium: 'ip', mtu });
  }

  cut(data: Uint8Array): Uint8Array[] {
    const socket = this.#client.stack.udp.bind({ port: 5000 });
    assert.ok(typeof socket === 'object');
    assert.equal(socket.send(data, addressOf(this.#family.server), 7), undefined);
    socket.close();
    return this.#client.port.take();
  }
}

function serverOf(family: Family, profile = withReassembly(LIMITS)): TestHost {
  return new TestHost([`${family.server}/${family.length}`], { medium: 'ip', profile });
}

for (const family of FAMILIES) {
  describe(`reassembly over ${family.name}`, () => {
    const cutter = new Cutter(family);

    it('puts fragments together that come in any order, with copies', () => {
      const data = dataOf(6000);
      fc.assert(
        fc.property(fc.infiniteStream(fc.nat()), fc.array(fc.nat(4), { maxLength: 4 }), (chance, copies) => {
          const server = serverOf(family);
          const socket = bound(server, 7);
          const whole = cutter.cut(data);
          // Copies of all but the last fragment that comes: behind it they would begin a new datagram.
          const order = [...whole].sort(() => ((chance.next().value ?? 0) % 2) - 0.5);
          const last = order.pop() ?? new Uint8Array();
          for (const copy of copies) order.splice(copy, 0, order[copy % order.length] ?? last);
          for (const bytes of [...order, last]) server.receive(bytes);
          assert.deepEqual(socket.receive()?.bytes, data);
          assert.equal(socket.receive(), undefined);
          assert.equal(server.frames.taken, 0);
        }),
        { numRuns: 200 },
      );
    });

    it('delivers nothing of a datagram that lacks a fragment, and forgets it after its time', () => {
      for (const lost of [0, 1, 4]) {
        const server = serverOf(family);
        const socket = bound(server, 7);
        const fragments = cutter.cut(dataOf(6000));
        for (const [index, bytes] of fragments.entries()) if (index !== lost) server.receive(bytes);
        server.stack.advance(LIMITS.lifeMs - 1);
        assert.deepEqual(server.drops(), {});
        server.stack.advance(LIMITS.lifeMs);
        assert.deepEqual(server.drops(), { reassemblyTimeout: fragments.length - 1 });
        assert.equal(socket.receive(), undefined);
        // Only the first fragment says who sent what.
        const answers = server.port.take().map((bytes) => bytes[family.length === 24 ? 20 : 40]);
        assert.deepEqual(answers, lost === 0 ? [] : [family.length === 24 ? 11 : 3]);
        assert.equal(server.frames.taken, 0);
        assert.equal(server.stack.nextDeadlineMs(), Infinity);
      }
    });

    it('drops a datagram whose fragments overlap, and what still comes of it', () => {
      const server = serverOf(family);
      const socket = bound(server, 7);
      const data = dataOf(3000);
      const first = cutter.cut(data);
      const other = new Cutter(family, 1288).cut(data);
      // Both senders begin with the same identification.
      const same = new Cutter(family).cut(data);
      assert.equal(first.length, same.length);
      server.receive(same[0] ?? new Uint8Array());
      server.receive(other[1] ?? new Uint8Array());
      server.receive(same[1] ?? new Uint8Array());
      server.receive(same[2] ?? new Uint8Array());
      assert.equal(socket.receive(), undefined);
      assert.equal(server.frames.taken <= 1, true);
    });

    it('keeps as many datagrams as the profile says, and forgets the oldest for one more', () => {
      const server = serverOf(family);
      const socket = bound(server, 7);
      const all = [1, 2, 3, 4].map((first) => cutter.cut(dataOf(2000, first)));
      for (const [first] of all.slice(0, 3)) server.receive(first ?? new Uint8Array());
      assert.deepEqual(server.drops(), {});
      server.receive(all[3]?.[0] ?? new Uint8Array());
      assert.deepEqual(server.drops(), { reassemblyFull: 1 });
      for (const [, second] of all.slice(1)) server.receive(second ?? new Uint8Array());
      assert.deepEqual(
        [socket.receive(), socket.receive(), socket.receive()].map((each) => each?.bytes[0]),
        [2, 3, 4],
      );
      server.receive(all[0]?.[1] ?? new Uint8Array());
      assert.equal(socket.receive(), undefined);
    });

    it('keeps as many bytes as the profile says, and forgets the oldest datagram for one more', () => {
      const server = serverOf(family);
      const socket = bound(server, 7);
      const [one, other] = [cutter.cut(dataOf(9000, 1)), cutter.cut(dataOf(9000, 2))];
      for (const bytes of one.slice(0, 5)) server.receive(bytes);
      for (const bytes of other) server.receive(bytes);
      assert.deepEqual(server.drops(), { reassemblyFull: 5 });
      assert.equal(socket.receive()?.bytes[0], 2);
      const tooLong = cutter.cut(dataOf(LIMITS.bytes - 7));
      for (const bytes of tooLong) server.receive(bytes);
      assert.equal(socket.receive(), undefined);
      const longest = cutter.cut(dataOf(LIMITS.bytes - 8));
      for (const bytes of longest) server.receive(bytes);
      assert.equal(socket.receive()?.bytes.length, LIMITS.bytes - 8);
    });

    it('keeps as much memory as its bytes have in frames of a usual size, however large the frames are', () => {
      const server = serverOf(family, withReassembly({ datagrams: 64, bytes: 4_194_304, lifeMs: 15_000 }));
      const large = new Cutter(family, 2100);
      const before = server.frames.taken;
      for (let index = 0; index < 64; index += 1) {
        // Each fragment but the last one needs a frame of 64 KiB.
        for (const fragment of large.cut(dataOf(30_000, index)).slice(0, -1)) server.receive(fragment);
      }
      const kept = server.frames.taken - before;
      assert.ok(kept * 65_536 <= MEMORY_FACTOR * 4_194_304, `${kept} frames`);
      const socket = bound(server, 7);
      for (const fragment of large.cut(dataOf(30_000))) server.receive(fragment);
      assert.deepEqual(socket.receive()?.bytes, dataOf(30_000));
    });

    it(`takes ${MOST_FRAGMENTS} fragments of one datagram, and not one more`, () => {
      const [mtu, perFragment] = family.length === 24 ? [68, 48] : [72, 24];
      for (const [fragments, arrives] of [
        [MOST_FRAGMENTS, true],
        [MOST_FRAGMENTS + 1, false],
      ] as const) {
        const server = serverOf(family);
        const socket = bound(server, 7);
        const sent = new Cutter(family, mtu).cut(dataOf(fragments * perFragment - 8));
        assert.equal(sent.length, fragments);
        for (const bytes of sent) server.receive(bytes);
        assert.equal(socket.receive() !== undefined, arrives);
      }
    });

    it('is off where the profile says so', () => {
      const server = serverOf(family, PROFILES.esp32);
      for (const bytes of cutter.cut(dataOf(2000))) server.receive(bytes);
      assert.deepEqual(server.drops(), { reassemblyOff: 2 });
      assert.equal(server.frames.taken, 0);
    });
  });
}
