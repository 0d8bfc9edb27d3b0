import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LinkWatch, type Stall } from './link-watch.js';

/** The bytes of a connection. Counts how often it is asked, which costs calls of the system. */
class Flow {
  bytesOut = 0;
  acked = 0;
  asked = 0;
  heardAtMs: number | undefined = 0;
  nowMs = 0;

  acknowledged(): number {
    this.asked += 1;
    return this.acked;
  }

  heardAgoMs(): number | undefined {
    return this.heardAtMs === undefined ? undefined : this.nowMs - this.heardAtMs;
  }
}

/** Looks up to a time at the latest, and returns the first stall. */
function lookUntil(watch: LinkWatch, flow: Flow, endMs: number): Stall | undefined {
  for (let atMs = watch.nextMs(); atMs <= endMs; atMs = watch.nextMs()) {
    flow.nowMs = atMs;
    const stall = watch.look(atMs, flow);
    if (stall !== undefined) return stall;
  }
  flow.nowMs = endMs;
  return undefined;
}

describe('the watch of a link', () => {
  it('notices a peer that is gone within the time, at most an eighth too early', () => {
    const times = fc.record({
      ackTimeoutMs: fc.integer({ min: 8, max: 100_000 }),
      sentMs: fc.integer({ min: 0, max: 1_000_000 }),
      stalledWriteMs: fc.integer({ min: 0, max: 200_000 }),
    });
    fc.assert(
      fc.property(times, ({ ackTimeoutMs, sentMs, stalledWriteMs }) => {
        const watch = new LinkWatch(ackTimeoutMs, stalledWriteMs, 0);
        const flow = new Flow();
        assert.equal(lookUntil(watch, flow, sentMs), undefined);
        assert.equal(flow.asked, 0, 'an idle connection is not asked');
        flow.bytesOut = 100;
        const shortest = stalledWriteMs > 0 ? Math.min(ackTimeoutMs, stalledWriteMs) : ackTimeoutMs;
        const stall = lookUntil(watch, flow, sentMs + shortest);
        assert.ok(stall !== undefined);
        assert.ok(flow.nowMs >= sentMs + shortest * (7 / 8) - 1, `${flow.nowMs - sentMs} of ${shortest} ms`);
        assert.equal(stall.bytes, 100);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a peer that has had no time to answer because the program blocked the thread', () => {
    const watch = new LinkWatch(1000, 2000, 0);
    const flow = new Flow();
    assert.equal(lookUntil(watch, flow, 5000), undefined);
    // The program blocks for 10 s and then sends; the look comes before the peer's answer can.
    flow.bytesOut = 100;
    flow.nowMs = 15_000;
    assert.equal(watch.look(flow.nowMs, flow), undefined);
    const stall = lookUntil(watch, flow, 16_000);
    assert.equal(stall?.reason, 'ackTimeout', 'a peer that is gone is noticed all the same');
    assert.equal(flow.nowMs, 15_875);
  });

  it('keeps a peer whose TCP answers up to stalledWriteMs, also if a probe is lost', () => {
    const watch = new LinkWatch(1000, 10_000, 0);
    const flow = new Flow();
    flow.bytesOut = 100;
    // Probes at 200, 600, 1400, 3000, 6200 ms; the answers to the second one and to the fourth one are lost.
    for (const [probeMs, nextMs] of [
      [200, 1399],
      [1400, 6199],
      [6200, 9999],
    ] as const) {
      flow.heardAtMs = probeMs;
      assert.equal(lookUntil(watch, flow, nextMs), undefined, `at ${flow.nowMs} ms`);
    }
    assert.equal(lookUntil(watch, flow, 10_000)?.reason, 'stalledWrite');
  });

  it('begins anew with each byte that is acknowledged', () => {
    const watch = new LinkWatch(0, 8000, 0);
    const flow = new Flow();
    flow.bytesOut = 1_000_000;
    for (let second = 1; second <= 200; second += 1) {
      flow.acked += 1;
      assert.equal(lookUntil(watch, flow, second * 6900), undefined);
    }
    assert.equal(lookUntil(watch, flow, 200 * 6900 + 8000)?.reason, 'stalledWrite');
  });

  it('has only stalledWriteMs where the stack does not know when the peer was heard', () => {
    const watch = new LinkWatch(1000, 5000, 0);
    const flow = new Flow();
    flow.heardAtMs = undefined;
    flow.bytesOut = 100;
    assert.equal(lookUntil(watch, flow, 5000)?.reason, 'stalledWrite');
  });

  it('looks at nothing with both times off', () => {
    assert.equal(new LinkWatch(0, 0, 0).nextMs(), Number.POSITIVE_INFINITY);
  });
});
