/** Links: order, impairments and their statistics, and the bound of each queue. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MOST_WAITING_FRAMES } from '#src/link/gate.js';
import type { Impairments } from '#src/link/impairments.js';
import { MOST_FRAMES_IN_LANE } from '#src/link/lane.js';
import { MOST_LATE_PACKETS } from '#src/link/late-packets.js';
import { MOST_RULES } from '#src/link/rules.js';
import { DEFAULT_QUEUE_PACKETS } from '#src/link/shaper.js';
import { PacketView } from '#src/link/packet-view.js';
import { hasRightChecksums, ipv4Packet, Testbed } from './testbed.js';

const MS = 1_000_000;
const COUNT = 20_000;

/** Returns the share of `COUNT` packets, sent a millisecond apart, that arrived. */
function shareOf(options: Impairments, seed = 1): number {
  const bed = new Testbed({ forward: options }, seed);
  for (let number = 1; number <= COUNT; number += 1) {
    bed.link.forward.transmit(bed.frame(number));
    bed.runTo(bed.timeline.nowNs + MS);
  }
  bed.run();
  return bed.arrivals.length / COUNT;
}

function assertNear(value: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(value - expected) <= tolerance, `${value} is not near ${expected}`);
}

describe('a link', () => {
  it('without impairments delivers at the same instant, in order, and keeps no frame', () => {
    const bed = new Testbed();
    bed.send(1000);
    bed.runTo(0);
    assert.deepEqual(
      bed.numbers,
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
    assert.equal(bed.timeline.nowNs, 0);
    assert.equal(bed.frames.taken, 0);
  });

  it('keeps the order of packets whatever delay, jitter, rate, hold and power save do', () => {
    const change = fc.record({
      afterMs: fc.integer({ min: 0, max: 30 }),
      delayMs: fc.constantFrom(0, 0, 1, 20),
      jitterMs: fc.constantFrom(0, 5),
      distribution: fc.constantFrom('uniform' as const, 'normal' as const, 'pareto' as const),
      bitsPerSecond: fc.constantFrom(undefined, 1_000_000),
      slotMs: fc.constantFrom(undefined, 2),
      powerSave: fc.boolean(),
      isHeld: fc.boolean(),
      packets: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(fc.nat(), fc.array(change, { maxLength: 20 }), (seed, changes) => {
        const bed = new Testbed({}, seed);
        let number = 0;
        for (const { afterMs, isHeld, packets, ...options } of changes) {
          bed.runTo(bed.timeline.nowNs + afterMs * MS);
          bed.link.forward.set(options);
          if (isHeld) bed.link.hold();
          else bed.link.release();
          for (let count = 0; count < packets; count += 1)
            bed.link.forward.transmit(bed.frame((number += 1)));
        }
        bed.link.release();
        bed.run();
        assert.deepEqual(
          bed.numbers,
          Array.from({ length: number }, (_, index) => index + 1),
        );
        assert.equal(bed.frames.taken, 0);
      }),
    );
  });

  it('counts each packet once: delivered, or dropped with a reason', () => {
    const options = fc.record({
      loss: fc.constantFrom(0, 0.3),
      burstLoss: fc.constantFrom(undefined, { p: 0.1, r: 0.5 }),
      duplicate: fc.constantFrom(0, 0.3),
      corrupt: fc.constantFrom(0, 0.3),
      bitsPerSecond: fc.constantFrom(undefined, 100_000),
      queue: fc.constantFrom(undefined, { packets: 3 }, { bytes: 350 }, { codel: true }),
      delayMs: fc.constantFrom(0, 3),
      reorder: fc.constantFrom(undefined, { percent: 30, gap: 2 }),
    });
    fc.assert(
      fc.property(fc.nat(), options, (seed, forward) => {
        const bed = new Testbed({ forward }, seed);
        bed.send(100);
        bed.run();
        const { sent, delivered, duplicated, dropped } = bed.link.forward;
        const lost = [...dropped.values()].reduce((sum, count) => sum + count, 0);
        assert.equal(sent + duplicated, delivered + lost);
        assert.equal(delivered, bed.arrivals.length);
        assert.equal(bed.frames.taken, 0);
      }),
    );
  });

  it('gives the same packets the same fate for the same seed', () => {
    const options = {
      loss: 0.1,
      duplicate: 0.1,
      corrupt: 0.1,
      delayMs: 1,
      jitterMs: 1,
      reorder: { percent: 10 },
    };
    const run = (seed: number): unknown => {
      const bed = new Testbed(options, seed);
      bed.send(500);
      bed.run();
      return bed.arrivals;
    };
    assert.deepEqual(run(1), run(1));
    assert.notDeepEqual(run(1), run(2));
  });

  it('checks what is no number too, with the name of the option', () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ distribution: 'gauss', jitterMs: 1 }, /distribution must be uniform, normal/],
      [{ dropList: 5 }, /dropList must be a list/],
      [{ loss: '0.1' }, /loss must be a number/],
      [{ burstLoss: 0.1 }, /burstLoss needs its probability p/],
      [{ queue: { codel: { targetMs: -1 } } }, /queue\.codel\.targetMs/],
      [{ mtu: Number.NaN }, /mtu must be a number of 68/],
      [{ nat: { establishedMs: -1 } }, /nat\.establishedMs/],
      [{ nat: { onExpiry: 'rst' } }, /nat\.onExpiry must be drop or reset/],
    ];
    for (const [options, message] of wrong)
      assert.throws(() => new Testbed(options), { name: 'RangeError', message });
  });

  it('checks its numbers', () => {
    const bed = new Testbed();
    assert.throws(() => bed.link.set({ loss: 1.1 }), /loss must be a number of 0 to 1, not 1.1/);
    assert.throws(() => bed.link.set({ delayMs: Number.NaN }), RangeError);
    assert.throws(() => bed.link.set({ burstLoss: { p: 2 } }), RangeError);
    assert.throws(() => bed.link.set({ powerSave: { dtim: 0 } }), RangeError);
    assert.throws(() => bed.link.set({ slotPackets: 0 }), RangeError);
  });
});

describe('loss', () => {
  it('has its probability', () => {
    assertNear(shareOf({ loss: 0.05 }), 0.95, 0.006);
    assert.equal(shareOf({ loss: 1 }), 0);
  });

  it('in bursts has the share of its states, and their length', () => {
    // The bad state lasts 1/r packets and has the share p/(p + r).
    assertNear(shareOf({ burstLoss: { p: 0.02, r: 0.2 } }), 1 - 0.02 / 0.22, 0.01);
    assertNear(shareOf({ burstLoss: { p: 0.1, r: 0.4, h: 0.5, k: 0.9 } }), 0.2 * 0.5 + 0.8 * 0.9, 0.015);
  });

  it('by a list takes the packets of these numbers', () => {
    const bed = new Testbed({ forward: { dropList: [1, 3] } });
    bed.send(4);
    bed.run();
    assert.deepEqual(bed.numbers, [2, 4]);
    assert.equal(bed.link.forward.dropped.get('drop list'), 2);
  });

  it('of the next packets that match takes that number', () => {
    const bed = new Testbed();
    const rule = bed.link.dropNext((packet) => packet.number % 2 === 0, 2);
    bed.send(6);
    bed.run();
    assert.deepEqual(bed.numbers, [1, 3, 5, 6]);
    assert.equal(rule.hits, 2);
  });
});

describe('duplication, corruption and reordering', () => {
  it('have their probabilities', () => {
    const bed = new Testbed({ forward: { duplicate: 0.1, corrupt: 0.05 } });
    bed.send(COUNT);
    bed.run();
    assertNear(bed.link.forward.duplicated / COUNT, 0.1, 0.01);
    assertNear(bed.link.forward.corrupted / bed.arrivals.length, 0.05, 0.01);
  });

  it('corruption inverts one bit', () => {
    const bed = new Testbed({ forward: { corrupt: 1 } });
    bed.link.forward.transmit(bed.frame(0));
    bed.run();
    const ones = [...(bed.arrivals[0]?.bytes ?? [])].map(
      (byte) => byte.toString(2).replaceAll('0', '').length,
    );
    assert.equal(
      ones.reduce((sum, count) => sum + count, 0),
      1,
    );
  });

  it('reordering lets every fifth packet overtake', () => {
    const bed = new Testbed({ forward: { delayMs: 10, reorder: { percent: 100, gap: 5 } } });
    bed.send(10);
    bed.run();
    assert.deepEqual(bed.numbers, [5, 10, 1, 2, 3, 4, 6, 7, 8, 9]);
    assert.equal(bed.link.forward.overtaken, 2);
  });
});

describe('delay', () => {
  it('is exact without jitter', () => {
    const bed = new Testbed({ delayMs: 12.3456 });
    bed.send(2);
    bed.run();
    assert.deepEqual(
      bed.arrivals.map(({ atNs }) => atNs),
      [12_345_600, 12_345_600],
    );
  });

  it('with jitter has its mean, in every distribution', () => {
    for (const distribution of ['uniform', 'normal', 'pareto', 'paretonormal'] as const) {
      const bed = new Testbed({ forward: { delayMs: 50, jitterMs: 5, distribution } });
      let sumMs = 0;
      for (let number = 0; number < 2000; number += 1) {
        const sentNs = bed.timeline.nowNs;
        bed.link.forward.transmit(bed.frame(number));
        bed.run();
        sumMs += (bed.timeline.nowNs - sentNs) / MS;
      }
      assertNear(sumMs / 2000, 50, 0.6);
    }
  });
});

describe('a rate', () => {
  it('spaces packets by their length and overhead', () => {
    const bed = new Testbed({ forward: { bitsPerSecond: 1_000_000, overheadBytes: 25 } });
    bed.send(3, 100);
    bed.run();
    assert.deepEqual(
      bed.arrivals.map(({ atNs }) => atNs),
      [1 * MS, 2 * MS, 3 * MS],
    );
  });

  it('drops what its queue does not take, by packets and by bytes', () => {
    for (const [queue, expected] of [
      [undefined, DEFAULT_QUEUE_PACKETS + 1],
      [{ packets: 1 }, 2],
      [{ packets: 5 }, 6],
      [{ bytes: 300 }, 4],
      [{ bytes: 299 }, 3],
    ] as const) {
      const bed = new Testbed({ forward: { bitsPerSecond: 1_000_000, queue } });
      bed.send(DEFAULT_QUEUE_PACKETS + 2);
      bed.run();
      assert.equal(bed.arrivals.length, expected);
      assert.equal(bed.link.forward.dropped.get('queue full'), DEFAULT_QUEUE_PACKETS + 2 - expected);
    }
  });

  it('that changes acts on the packets that wait', () => {
    const bed = new Testbed({ forward: { bitsPerSecond: 800_000 } });
    bed.send(4, 100);
    bed.runTo(1 * MS);
    bed.link.forward.set({ bitsPerSecond: 8_000_000 });
    bed.run();
    // The second packet is on the line when the rate changes.
    assert.deepEqual(
      bed.arrivals.map(({ atNs }) => atNs),
      [1 * MS, 2 * MS, 2.1 * MS, 2.2 * MS],
    );
  });

  it('with CoDel keeps the queue short, and drops nothing below the target', () => {
    const load = (packetsPerMs: number): Testbed => {
      const queue = { codel: { targetMs: 5, intervalMs: 100 } };
      const bed = new Testbed({ forward: { bitsPerSecond: 8_000_000, queue } });
      for (let ms = 0; ms < 5000; ms += 1) {
        for (let count = 0; count < packetsPerMs; count += 1) bed.link.forward.transmit(bed.frame(ms, 400));
        bed.runTo(bed.timeline.nowNs + MS);
      }
      return bed;
    };
    assert.equal(load(2).link.forward.dropped.get('CoDel'), undefined);
    const dropped = load(3).link.forward.dropped.get('CoDel') ?? 0;
    // The control law raises the rate of drops with the square root of their number.
    assert.ok(dropped > 100 && dropped < 5000, String(dropped));
  });

  it('of slots lets packets leave together, and no more than a slot takes', () => {
    const bed = new Testbed({ forward: { slotMs: 10, slotPackets: 2 } });
    bed.runTo(1 * MS);
    bed.send(5);
    bed.run();
    assert.deepEqual(
      bed.arrivals.map(({ atNs }) => atNs / MS),
      [10, 10, 20, 20, 30],
    );
  });
});

describe('the MTU of a path', () => {
  const payload = Uint8Array.from({ length: 1200 }, (_, index) => index);

  it('tells the sender by ICMP that a packet is too big', () => {
    const bed = new Testbed({ pathMtu: 600 });
    bed.link.forward.transmit(ipv4Packet(bed.frames, { payload, dontFragment: true }));
    bed.run();
    const [answer] = bed.answers;
    assert.ok(answer !== undefined && hasRightChecksums(answer.bytes));
    const view = new DataView(answer.bytes.buffer);
    assert.deepEqual([view.getUint8(20), view.getUint8(21), view.getUint16(26)], [3, 4, 600]);
    assert.equal(bed.link.forward.dropped.get('too big'), 1);
    assert.ok(answer.bytes.length <= 576);
  });

  it('is a black hole if asked for, and passes what fits', () => {
    const bed = new Testbed({ pathMtu: 600, blackHole: true });
    bed.link.forward.transmit(
      ipv4Packet(bed.frames, { payload: payload.subarray(0, 560), dontFragment: true }),
    );
    bed.link.forward.transmit(
      ipv4Packet(bed.frames, { payload: payload.subarray(0, 561), dontFragment: true }),
    );
    bed.run();
    assert.deepEqual([bed.arrivals.length, bed.answers.length], [1, 0]);
  });

  it('fragments a packet that may be', () => {
    const bed = new Testbed({ forward: { pathMtu: 600 } });
    bed.link.forward.transmit(ipv4Packet(bed.frames, { payload }));
    bed.run();
    const parts = bed.arrivals.map(({ bytes }) => bytes);
    assert.deepEqual(
      parts.map(({ length }) => length),
      [596, 596, 88],
    );
    const whole = parts.flatMap((bytes) => [...bytes.subarray(20)]);
    assert.deepEqual(whole.slice(20), [...payload]);
    assert.equal(bed.frames.taken, 0);
  });
});

describe('cut, hold and power save', () => {
  it('a cut loses what is sent and what arrives, one way or both', () => {
    const bed = new Testbed({ delayMs: 10 });
    bed.send(1);
    bed.link.forward.cut();
    bed.link.backward.transmit(bed.frame(7));
    bed.send(1);
    bed.run();
    assert.deepEqual([bed.arrivals.length, bed.answers.length], [0, 1]);
    assert.equal(bed.link.forward.dropped.get('cut'), 2);
    bed.link.heal();
    bed.send(1);
    bed.run();
    assert.equal(bed.arrivals.length, 1);
  });

  it('held packets arrive at the release', () => {
    const bed = new Testbed({ delayMs: 10 });
    bed.link.hold();
    bed.send(2);
    bed.runTo(50 * MS);
    assert.equal(bed.arrivals.length, 0);
    bed.link.release();
    bed.runTo(50 * MS);
    assert.deepEqual(
      bed.arrivals.map(({ atNs }) => atNs),
      [50 * MS, 50 * MS],
    );
  });

  it('a station that sleeps hears its packets at a DTIM, then while it is awake', () => {
    const bed = new Testbed({ powerSave: { beaconMs: 100, dtim: 3, awakeMs: 20 } });
    // The first end is the station.
    bed.runTo(10 * MS);
    bed.link.backward.transmit(bed.frame(1));
    bed.link.backward.transmit(bed.frame(2));
    bed.runTo(310 * MS);
    bed.link.backward.transmit(bed.frame(3));
    bed.runTo(350 * MS);
    bed.link.backward.transmit(bed.frame(4));
    bed.run();
    assert.deepEqual(
      bed.answers.map(({ atNs }) => atNs / MS),
      [300, 300, 310, 600],
    );
  });

  it('a station that is awake at a DTIM, because it has sent, hears all its packets there', () => {
    const bed = new Testbed({ powerSave: { beaconMs: 100, awakeMs: 20 } });
    bed.runTo(10 * MS);
    for (const number of [1, 2, 3]) bed.link.backward.transmit(bed.frame(number));
    bed.runTo(95 * MS);
    bed.send(1);
    bed.run();
    assert.deepEqual(
      bed.answers.map(({ number, atNs }) => [number, atNs / MS]),
      [
        [1, 100],
        [2, 100],
        [3, 100],
      ],
    );
  });

  it('a cut loses the packets that are held, or wait for a DTIM, when their time comes', () => {
    const held = new Testbed();
    held.link.hold();
    held.send(2);
    held.runTo(MS);
    held.link.cut();
    held.link.release();
    held.run();
    const asleep = new Testbed({ powerSave: { beaconMs: 100 } });
    asleep.runTo(10 * MS);
    asleep.link.backward.transmit(asleep.frame(1));
    asleep.runTo(50 * MS);
    asleep.link.cut();
    asleep.run();
    assert.deepEqual([held.arrivals.length, asleep.answers.length], [0, 0]);
    assert.deepEqual([held.link.forward.dropped.get('cut'), asleep.link.backward.dropped.get('cut')], [2, 1]);
  });

  it('a station that sends is awake, and its own packets leave at once', () => {
    const bed = new Testbed({ powerSave: { beaconMs: 100, awakeMs: 20 } });
    bed.runTo(50 * MS);
    bed.send(1);
    bed.runTo(60 * MS);
    bed.link.backward.transmit(bed.frame(2));
    bed.run();
    assert.deepEqual([bed.arrivals[0]?.atNs, bed.answers[0]?.atNs], [50 * MS, 60 * MS]);
  });
});

describe('rules', () => {
  it('decide in their order, see the packet, and end with their scope', () => {
    const bed = new Testbed();
    {
      using first = bed.link.add((packet) => (packet.number === 1 ? 'drop' : undefined));
      using second = bed.link.add((packet) => (packet.number === 2 ? 'duplicate' : 'pass'));
      bed.send(3);
      bed.run();
      assert.deepEqual([first.hits, second.hits], [1, 1]);
    }
    assert.deepEqual(bed.numbers, [2, 2, 3]);
    bed.send(1);
    bed.run();
    assert.equal(bed.arrivals.length, 4);
  });

  it('can make one packet late', () => {
    const bed = new Testbed({ delayMs: 1 });
    bed.link.add((packet) => (packet.number === 1 ? { delayMs: 5 } : undefined));
    bed.send(2);
    bed.run();
    assert.deepEqual(
      bed.arrivals.map(({ number, atNs }) => [number, atNs / MS]),
      [
        [2, 1],
        [1, 6],
      ],
    );
  });

  it('are limited in number', () => {
    const bed = new Testbed();
    for (let count = 0; count < MOST_RULES; count += 1) bed.link.add(() => undefined);
    assert.throws(() => bed.link.add(() => undefined), RangeError);
  });

  it('a reset answers data at both ends with the numbers that they expect', () => {
    const bed = new Testbed();
    bed.link.resetNext();
    const payload = new Uint8Array(10);
    bed.link.forward.transmit(
      ipv4Packet(bed.frames, { sequence: 1000, acknowledgement: 2000, flags: 0x18, payload }),
    );
    bed.run();
    const read = (bytes: Uint8Array | undefined): number[] => {
      assert.ok(bytes !== undefined && hasRightChecksums(bytes));
      const frame = bed.frames.take(bytes.length);
      frame.bytes.set(bytes, frame.start);
      frame.end = frame.start + bytes.length;
      const { sequence, flags, sourcePort } = new PacketView('ip').read(frame);
      return [sequence, flags, sourcePort];
    };
    assert.deepEqual(read(bed.answers[0]?.bytes), [2000, 0x04, 80]);
    assert.deepEqual(read(bed.arrivals[0]?.bytes), [1000, 0x14, 40_000]);
  });

  it('a reset of a SYN refuses it', () => {
    const bed = new Testbed();
    bed.link.resetNext();
    bed.link.forward.transmit(ipv4Packet(bed.frames, { sequence: 1000, flags: 0x02 }));
    bed.run();
    assert.equal(bed.arrivals.length, 0);
    assert.equal(new DataView(bed.answers[0]?.bytes.buffer ?? new ArrayBuffer(40)).getUint32(28), 1001);
  });
});

describe('the bounds of a link', () => {
  it('a lane takes its number of packets and drops one more', () => {
    const bed = new Testbed({ forward: { delayMs: 1 } });
    bed.send(MOST_FRAMES_IN_LANE + 1, 4);
    bed.run();
    assert.equal(bed.arrivals.length, MOST_FRAMES_IN_LANE);
    assert.equal(bed.link.forward.dropped.get('link full'), 1);
  });

  it('a gate takes its number of packets and drops one more', () => {
    const bed = new Testbed();
    bed.link.hold();
    bed.send(MOST_FRAMES_IN_LANE, 4);
    bed.runTo(0);
    bed.send(MOST_WAITING_FRAMES - MOST_FRAMES_IN_LANE + 1, 4);
    bed.runTo(0);
    assert.equal(bed.link.forward.dropped.get('link full'), 1);
    bed.link.release();
    bed.run();
    assert.equal(bed.arrivals.length, MOST_WAITING_FRAMES);
  });

  it('a direction takes its number of packets that a rule makes late, and drops one more', () => {
    const bed = new Testbed();
    bed.link.add(() => ({ delayMs: 5 }));
    bed.send(MOST_LATE_PACKETS + 1, 4);
    bed.run();
    assert.equal(bed.arrivals.length, MOST_LATE_PACKETS);
    assert.equal(bed.link.forward.dropped.get('link full'), 1);
  });
});

describe('packets under way', () => {
  it('are all dropped when they are to be lost: in lanes, at the gate, in the queue, and late by a rule', () => {
    const bed = new Testbed({ forward: { delayMs: 10, bitsPerSecond: 8000 } });
    bed.link.add((packet) => (packet.number === 1 ? { delayMs: 50 } : undefined));
    bed.send(5);
    bed.runTo(120 * MS);
    bed.link.forward.hold();
    bed.runTo(250 * MS);
    bed.link.forward.dropInFlight('host down');
    bed.link.release();
    bed.run();
    const { dropped, sent, delivered } = bed.link.forward;
    assert.deepEqual([sent, delivered + (dropped.get('host down') ?? 0)], [5, 5]);
    assert.ok(delivered < 3);
    // A packet of the time after is none of them.
    bed.send(1);
    bed.run();
    assert.equal(bed.link.forward.delivered, delivered + 1);
  });

  it('that a rule has made late are lost with the others, and not before', () => {
    const bed = new Testbed();
    using rule = bed.link.add(() => ({ delayMs: 5 }));
    bed.send(2);
    bed.runTo(4 * MS);
    bed.link.forward.dropInFlight('host down');
    bed.run();
    assert.deepEqual([bed.arrivals.length, bed.link.forward.dropped.get('host down'), rule.hits], [0, 2, 2]);
    assert.equal(bed.frames.taken, 0);
  });
});
