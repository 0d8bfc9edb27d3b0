/** Links: order, impairments and their statistics, and the bound of each queue. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MOST_WAITING_FRAMES } from '#src/link/gate.js';
import type { Impairments } from '#src/link/impairments.js';
import type { LinkOptions } from '#src/link/link.js';
import { MOST_FRAMES_IN_LANE } from '#src/link/lane.js';
import { MOST_LATE_PACKETS } from '#src/link/late-packets.js';
import { MOST_RULES, type Verdict } from '#src/link/rules.js';
import { DEFAULT_QUEUE_PACKETS } from '#src/link/shaper.js';
import { PacketView } from '#src/link/packet-view.js';
import { takeUncaught } from '#src/support/uncaught.js';
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

  it('names the option that is wrong, its value, and what is allowed', () => {
    const wrong: readonly (readonly [options: unknown, message: RegExp])[] = [
      [5, /^TypeError: the options of a link must be an object, not 5$/],
      [{ delay: 5 }, /^TypeError: a link has no option delay; its options are .*delayMs/],
      [{ forward: { mtu: 100 } }, /^TypeError: a direction of a link has no option mtu; its options are /],
      [{ loss: Number.NaN }, /^RangeError: loss must be a number of 0 to 1, not NaN$/],
      [{ loss: -0.1 }, /^RangeError: loss must be a number of 0 to 1, not -0\.1$/],
      [{ loss: '0.1' }, /^RangeError: loss must be a number of 0 to 1, not "0\.1"$/],
      [{ duplicate: 2 }, /^RangeError: duplicate must be a number of 0 to 1, not 2$/],
      [{ blackHole: 'yes' }, /^TypeError: blackHole must be true or false, not "yes"$/],
      [
        { distribution: 'gauss' },
        /^RangeError: distribution must be uniform, normal, pareto or paretonormal, not "gauss"$/,
      ],
      [{ dropList: 5 }, /^RangeError: dropList must be a list of numbers of packets, not 5$/],
      [{ dropList: [1, 0] }, /^RangeError: dropList\[1\] must be a whole number of 1 to \d+, not 0$/],
      [{ dropList: ['1'] }, /^RangeError: dropList\[0\] must be a whole number/],
      [{ burstLoss: 0.1 }, /^TypeError: burstLoss must be an object, not 0\.1$/],
      [{ burstLoss: { r: 0.1 } }, /^RangeError: burstLoss needs its p$/],
      [
        { burstLoss: { p: 0.1, q: 0.1 } },
        /^TypeError: burstLoss has no option q; its options are p, r, h and k$/,
      ],
      [{ burstLoss: { p: 0.1, h: 2 } }, /^RangeError: burstLoss\.h must be a number of 0 to 1, not 2$/],
      [{ reorder: { gap: 5 } }, /^RangeError: reorder needs its percent$/],
      [{ reorder: { percent: 101 } }, /^RangeError: reorder\.percent must be a number of 0 to 100, not 101$/],
      [{ reorder: { percent: 1, gap: 1.5 } }, /^RangeError: reorder\.gap must be a whole number/],
      [{ queue: 5 }, /^TypeError: queue must be an object, not 5$/],
      [
        { queue: { size: 5 } },
        /^TypeError: queue has no option size; its options are packets, bytes and codel$/,
      ],
      [
        { queue: { packets: 1.5 } },
        /^RangeError: queue\.packets must be a whole number of 1 to 1000000, not 1\.5$/,
      ],
      [{ queue: { codel: 'on' } }, /^TypeError: queue\.codel must be true, false or an object, not "on"$/],
      [{ queue: { codel: { targetMs: -1 } } }, /^RangeError: queue\.codel\.targetMs must be a number/],
      [{ powerSave: 5 }, /^TypeError: powerSave must be true, false or an object, not 5$/],
      [
        { powerSave: { dtim: 0.5 } },
        /^RangeError: powerSave\.dtim must be a whole number of 1 to 255, not 0\.5$/,
      ],
      [{ powerSave: { beacon: 1 } }, /^TypeError: powerSave has no option beacon; /],
      [{ slotPackets: 1.5 }, /^RangeError: slotPackets must be a whole number/],
      [{ mtu: Number.NaN }, /^RangeError: mtu must be a whole number of 68 to 65535, not NaN$/],
      [{ mtu: 1500.5 }, /^RangeError: mtu must be a whole number/],
      [{ medium: 'wifi' }, /^RangeError: medium must be ip or ethernet, not "wifi"$/],
      [{ nat: { establishedMs: -1 } }, /^RangeError: nat\.establishedMs must be a number/],
      [{ nat: { icmpMs: Number.NaN } }, /^RangeError: nat\.icmpMs must be a number/],
      [{ nat: { onExpiry: 'rst' } }, /^RangeError: nat\.onExpiry must be drop or reset, not "rst"$/],
      [{ nat: { address: 'fd00::1' } }, /^TypeError: nat\.address must be one of IPv4, not "fd00::1"$/],
      [{ nat: { timeout: 5 } }, /^TypeError: a NAT has no option timeout; /],
      [{ nat: true }, /^TypeError: the options of a NAT must be an object, not true$/],
    ];
    for (const [options, message] of wrong) assert.throws(() => new Testbed(options as object), message);
  });

  it('takes options that are undefined as those that are left out', () => {
    const bed = new Testbed({
      loss: undefined,
      queue: undefined,
      powerSave: undefined,
      burstLoss: { p: 0, ...({ r: undefined, h: undefined } as object) },
    });
    bed.send(3);
    bed.run();
    assert.deepEqual(bed.numbers, [1, 2, 3]);
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

describe('changes of other options', () => {
  it('do not end a burst of loss', () => {
    const bed = new Testbed({ forward: { burstLoss: { p: 1, r: 0 } } });
    for (let count = 0; count < 20; count += 1) {
      bed.send(1);
      bed.link.forward.set({ delayMs: count });
    }
    // The model stays in the bad state.
    bed.link.forward.set({ burstLoss: { p: 0, r: 0 } });
    bed.send(5);
    bed.run();
    assert.equal(bed.arrivals.length, 0);
    bed.link.forward.set({ burstLoss: undefined });
    bed.link.forward.set({ burstLoss: { p: 0, r: 0 } });
    bed.send(5);
    bed.run();
    assert.equal(bed.arrivals.length, 5);
  });

  it('do not count the packets before one that overtakes anew', () => {
    const bed = new Testbed({ forward: { delayMs: 10, reorder: { percent: 100, gap: 3 } } });
    for (let number = 1; number <= 6; number += 1) {
      bed.link.forward.transmit(bed.frame(number));
      bed.link.forward.set({ loss: 0 });
    }
    bed.run();
    assert.deepEqual(bed.numbers, [3, 6, 1, 2, 4, 5]);
  });

  it('do not begin the control law of CoDel anew', () => {
    const droppedWith = (change: (bed: Testbed) => void): number | undefined => {
      const codel = { targetMs: 5, intervalMs: 20 };
      const bed = new Testbed({ forward: { bitsPerSecond: 8_000_000, queue: { codel } } });
      for (let ms = 0; ms < 300; ms += 1) {
        for (let count = 0; count < 3; count += 1) bed.link.forward.transmit(bed.frame(ms, 400));
        bed.runTo(bed.timeline.nowNs + MS);
        change(bed);
      }
      return bed.link.forward.dropped.get('CoDel');
    };
    const expected = droppedWith(() => undefined);
    assert.ok(Number(expected) > 5);
    const again = { queue: { codel: { targetMs: 5, intervalMs: 20 } } };
    assert.equal(
      droppedWith((bed) => {
        bed.link.forward.set(again);
        bed.link.forward.set({ ...again, queue: { codel: { ...again.queue.codel } } });
      }),
      expected,
    );
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

  it('of slots counts a packet that comes while its slot lasts', () => {
    const bed = new Testbed({ forward: { slotMs: 10, slotPackets: 2 } });
    bed.runTo(1 * MS);
    bed.send(1);
    bed.runTo(10 * MS);
    bed.send(3);
    bed.run();
    assert.deepEqual(
      bed.arrivals.map(({ atNs }) => atNs / MS),
      [10, 10, 20, 20],
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

  it('a cut of several holders ends when the last one has healed it', () => {
    const bed = new Testbed();
    const [first, second] = [{}, {}];
    const arrives = (): boolean => {
      const before = bed.arrivals.length;
      bed.send(1);
      bed.run();
      return bed.arrivals.length > before;
    };
    bed.link.cut();
    bed.link.cut(first);
    bed.link.cut(first);
    bed.link.cut(second);
    bed.link.heal(second);
    bed.link.heal();
    assert.equal(arrives(), false);
    bed.link.heal(second);
    assert.equal(arrives(), false);
    bed.link.heal(first);
    assert.equal(arrives(), true);
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

  it('make a packet late that meets MTU, loss, duplication, corruption and rate as the others do', () => {
    const late = (options: LinkOptions, length = 100): Testbed => {
      const bed = new Testbed(options);
      bed.link.add(() => ({ delayMs: 5 }));
      bed.send(2, length);
      bed.run();
      assert.equal(bed.frames.taken, 0);
      return bed;
    };
    const times = ({ arrivals }: Testbed): number[] => arrivals.map(({ atNs }) => atNs / MS);
    assert.equal(late({ loss: 1 }).link.forward.dropped.get('loss'), 2);
    assert.equal(late({ burstLoss: { p: 1, r: 0 } }).link.forward.dropped.get('burst loss'), 2);
    assert.deepEqual(times(late({ duplicate: 1 })), [5, 5, 5, 5]);
    assert.equal(late({ corrupt: 1 }).link.forward.corrupted, 2);
    assert.deepEqual(times(late({ bitsPerSecond: 800_000 })), [6, 7]);
    assert.deepEqual(times(late({ bitsPerSecond: 800_000, queue: { packets: 1 } })), [6, 7]);
    const big = new Testbed({ forward: { pathMtu: 600 } });
    big.link.add(() => ({ delayMs: 5 }));
    const payload = new Uint8Array(1200);
    big.link.forward.transmit(ipv4Packet(big.frames, { payload, dontFragment: true }));
    big.link.forward.transmit(ipv4Packet(big.frames, { payload }));
    big.run();
    assert.equal(big.link.forward.dropped.get('too big'), 1);
    assert.deepEqual(times(big), [5, 5, 5]);
    assert.equal(big.answers.length, 1);
  });

  it('that throw, or return what is no verdict, let the packet pass, and the program learns of it', () => {
    const errors: unknown[] = [];
    const former = takeUncaught((error) => errors.push(error));
    try {
      for (const [verdict, text] of [
        ['Drop', '"Drop"'],
        [true, 'true'],
        [{ delayMs: -1 }, '{ delayMs: -1 }'],
        [{ delayMs: Number.NaN }, '{ delayMs: NaN }'],
      ] as const) {
        const bed = new Testbed();
        bed.link.add(() => verdict as Verdict);
        bed.send(1);
        bed.run();
        assert.deepEqual(bed.numbers, [1]);
        const error = errors.pop();
        assert.ok(error instanceof RangeError);
        assert.ok(error.message.startsWith('a rule of a link must return pass, drop, '), error.message);
        assert.ok(error.message.endsWith(`, not ${text}`), error.message);
      }
      const bed = new Testbed();
      const thrown = new Error('in a rule');
      bed.link.add(() => {
        throw thrown;
      });
      bed.send(1);
      bed.run();
      assert.deepEqual([bed.numbers, errors], [[1], [thrown]]);
    } finally {
      takeUncaught(former);
    }
  });

  it('are functions, and their counts whole numbers', () => {
    const { link } = new Testbed();
    const call = (method: string, ...args: unknown[]): unknown =>
      Reflect.apply(Reflect.get(link, method) as () => unknown, link, args);
    assert.throws(() => call('add', 5), /^TypeError: rule must be a function, not 5$/);
    for (const method of ['dropNext', 'resetNext']) {
      assert.throws(() => call(method, 3), /^TypeError: match must be a function, not 3$/);
      for (const count of [0, -1, 1.5, Number.NaN, '2']) {
        assert.throws(
          () => call(method, () => true, count),
          /^RangeError: count must be a whole number of 1 to /,
        );
      }
    }
    link.forward.transmit(new Testbed().frame(1));
    assert.equal(link.forward.sent, 1);
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
