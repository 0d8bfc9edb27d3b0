import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MAX_MARKS, SendClock } from './send-clock.js';

/** `count` sends of 100 bytes, one in each millisecond from 1 on. */
function clockWith(count: number): SendClock {
  const clock = new SendClock();
  for (let send = 1; send <= count; send += 1) clock.sent(send * 100, send);
  return clock;
}

describe('the time of an acknowledgement', () => {
  it('is counted from the send that it belongs to', () => {
    const clock = clockWith(3);
    assert.deepEqual([clock.acked(100, 50), clock.acked(200, 50), clock.acked(300, 51)], [49, 48, 48]);
  });

  it('of several sends is counted from the oldest', () => {
    assert.equal(clockWith(3).acked(300, 50), 49);
  });

  it('of a part of a send is counted from it, and so is the rest', () => {
    const clock = clockWith(2);
    assert.deepEqual([clock.acked(1, 10), clock.acked(99, 20), clock.acked(100, 30)], [9, 19, 29]);
    assert.equal(clock.acked(200, 40), 38);
  });

  it('that reaches into the next send is counted from the former, then from the next', () => {
    const clock = clockWith(2);
    assert.deepEqual([clock.acked(150, 10), clock.acked(200, 10)], [9, 8]);
  });

  it('is 0 where nothing was marked', () => {
    const clock = new SendClock();
    assert.equal(clock.acked(100, 1000), 0);
    clock.sent(200, 2000);
    clock.acked(200, 2001);
    assert.equal(clock.acked(300, 9000), 0);
  });

  it('is never negative', () => {
    const clock = clockWith(1);
    assert.equal(clock.acked(100, 0.5), 0);
  });

  it('of offsets beyond 32 bits is told as exactly', () => {
    const clock = new SendClock();
    clock.sent(2 ** 50, 1);
    clock.sent(2 ** 50 + 1, 2);
    assert.deepEqual([clock.acked(2 ** 50, 10), clock.acked(2 ** 50 + 1, 10)], [9, 8]);
  });

  it('is 0 for bytes that were sent before anybody asked, though a later send is marked', () => {
    // 100 bytes left unmarked; the first mark is for the bytes from 100 to 200.
    const clock = new SendClock(100);
    clock.sent(200, 500);
    assert.equal(clock.acked(100, 501), 0);
  });
});

describe('the ring of marks', () => {
  it(`tells ${MAX_MARKS} sends apart`, () => {
    const clock = clockWith(MAX_MARKS);
    for (let send = 1; send <= MAX_MARKS; send += 1) assert.equal(clock.acked(send * 100, 1000), 1000 - send);
    assert.equal(clock.acked(MAX_MARKS * 100, 1000), 0);
  });

  it('one send later tells that one with the time of the one before it, never too short', () => {
    const clock = clockWith(MAX_MARKS + 1);
    for (let send = 1; send < MAX_MARKS; send += 1) assert.equal(clock.acked(send * 100, 1000), 1000 - send);
    assert.equal(clock.acked(MAX_MARKS * 100, 1000), 1000 - MAX_MARKS);
    assert.equal(clock.acked((MAX_MARKS + 1) * 100, 1000), 1000 - MAX_MARKS);
    assert.equal(clock.acked((MAX_MARKS + 1) * 100, 1000), 0);
  });

  it('has room again when its first mark is acknowledged', () => {
    const clock = clockWith(MAX_MARKS);
    clock.acked(100, 100);
    clock.sent((MAX_MARKS + 1) * 100, MAX_MARKS + 1);
    clock.acked(MAX_MARKS * 100, 100);
    assert.equal(clock.acked((MAX_MARKS + 1) * 100, 100), 100 - (MAX_MARKS + 1));
  });

  it('never tells a time that is too short, and tells the exact one while few are in flight', () => {
    const steps = fc.array(fc.record({ sends: fc.nat(20), ackBytes: fc.nat(3000), ms: fc.nat(20) }), {
      maxLength: 50,
      size: 'max',
    });
    fc.assert(
      fc.property(steps, (rounds) => {
        const clock = new SendClock();
        let inFlight: { readonly end: number; readonly atMs: number }[] = [];
        let [nowMs, sent, acked, wasFull] = [0, 0, 0, false];
        for (const { sends, ackBytes, ms } of rounds) {
          for (let send = 0; send < sends; send += 1) {
            nowMs += 1;
            sent += 100;
            inFlight.push({ end: sent, atMs: nowMs });
            clock.sent(sent, nowMs);
          }
          nowMs += ms;
          wasFull = inFlight.length > 0 && (wasFull || inFlight.length > MAX_MARKS);
          if (ackBytes === 0 || acked === sent) continue;
          acked = Math.min(sent, acked + ackBytes);
          const oldest = inFlight[0];
          const timeMs = clock.acked(acked, nowMs);
          const exactMs = nowMs - (oldest?.atMs ?? nowMs);
          assert.ok(timeMs >= exactMs, `${timeMs} is shorter than ${exactMs}`);
          if (!wasFull) assert.equal(timeMs, exactMs);
          inFlight = inFlight.filter(({ end }) => end > acked);
        }
      }),
      { numRuns: 500 },
    );
  });
});
