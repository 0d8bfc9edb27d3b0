/** The curves of Reno (RFC 5681) and CUBIC (RFC 9438). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Congestion } from './congestion.js';
import { Cubic } from './cubic.js';
import { Reno } from './reno.js';

const MSS = 1000;
const RTT_MS = 100;

/** Acknowledges a window of full segments, one by one. */
function acknowledgeRound(control: Congestion, nowMs: number): void {
  const segments = Math.floor(control.windowBytes / MSS);
  for (let segment = 0; segment < segments; segment += 1)
    control.acknowledged(MSS, true, MSS, nowMs + (segment * RTT_MS) / segments, RTT_MS);
}

for (const [name, Control] of [
  ['Reno', Reno],
  ['CUBIC', Cubic],
] as const) {
  describe(name, () => {
    it('doubles the window in each round trip of slow start', () => {
      const control = new Control(10 * MSS, Number.POSITIVE_INFINITY);
      acknowledgeRound(control, 0);
      assert.equal(control.windowBytes, 20 * MSS);
      acknowledgeRound(control, RTT_MS);
      assert.equal(control.windowBytes, 40 * MSS);
    });

    it('does not grow while the window is not used', () => {
      const control = new Control(10 * MSS, Number.POSITIVE_INFINITY);
      for (let round = 0; round < 10; round += 1) control.acknowledged(MSS, false, MSS, round, RTT_MS);
      assert.equal(control.windowBytes, 10 * MSS);
    });

    it('never sets a threshold below two segments', () => {
      const control: Congestion = new Control(MSS, Number.POSITIVE_INFINITY);
      control.lost(MSS, MSS, 0);
      assert.equal(control.thresholdBytes, 2 * MSS);
      control.timedOut(MSS, MSS, 0);
      assert.equal(control.windowBytes, MSS);
      assert.equal(control.thresholdBytes, 2 * MSS);
    });

    it('has the values from before a loss again when there was none', () => {
      const control: Congestion = new Control(50 * MSS, 40 * MSS);
      control.timedOut(50 * MSS, MSS, 0);
      control.undo();
      assert.equal(control.windowBytes, 50 * MSS);
      assert.equal(control.thresholdBytes, 40 * MSS);
    });
  });
}

describe('Reno', () => {
  it('halves what is in flight, and then grows by a segment in each round trip', () => {
    const control = new Reno(40 * MSS, Number.POSITIVE_INFINITY);
    control.lost(40 * MSS, MSS);
    assert.equal(control.thresholdBytes, 20 * MSS);
    control.windowBytes = control.thresholdBytes;
    for (let round = 1; round <= 10; round += 1) {
      acknowledgeRound(control, round * RTT_MS);
      assert.equal(control.windowBytes, (20 + round) * MSS);
    }
  });

  it('grows by two segments at most for one acknowledgement (RFC 3465)', () => {
    const control = new Reno(10 * MSS, Number.POSITIVE_INFINITY);
    control.acknowledged(8 * MSS, true, MSS);
    assert.equal(control.windowBytes, 12 * MSS);
  });
});

describe('CUBIC', () => {
  /** Returns the windows in segments, round by round, behind a loss at 200 segments. */
  function afterLoss(rounds: number): number[] {
    const control = new Cubic(200 * MSS, 200 * MSS);
    control.lost(200 * MSS, MSS);
    assert.equal(control.thresholdBytes, 140 * MSS);
    control.windowBytes = control.thresholdBytes;
    const windows: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      acknowledgeRound(control, round * RTT_MS);
      windows.push(control.windowBytes / MSS);
    }
    return windows;
  }

  it('reduces to seven tenths, and is back at the old window after K seconds (§4.2)', () => {
    // K = cbrt((200 − 140) / 0.4) = 5.3 s.
    const windows = afterLoss(60);
    assert.ok(Math.abs((windows[52] ?? 0) - 200) < 3, String(windows[52]));
  });

  it('grows fast, then slowly around the old window, then fast again', () => {
    const windows = afterLoss(110);
    const growth = (from: number): number => (windows[from + 10] ?? 0) - (windows[from] ?? 0);
    assert.ok(growth(0) > 3 * growth(45), `${growth(0)} ${growth(45)}`);
    assert.ok(growth(95) > 3 * growth(45), `${growth(95)} ${growth(45)}`);
  });

  it('does not count the time in which the window is not used (§5.8)', () => {
    const afterPause = (pause: (control: Cubic, nowMs: number) => void): number => {
      const control = new Cubic(200 * MSS, 200 * MSS);
      control.lost(200 * MSS, MSS);
      control.windowBytes = control.thresholdBytes;
      for (let round = 0; round < 10; round += 1) acknowledgeRound(control, round * RTT_MS);
      pause(control, 10 * RTT_MS);
      acknowledgeRound(control, 70_000);
      return control.windowBytes / MSS;
    };
    const silent = afterPause(() => undefined);
    const limited = afterPause((control, nowMs) => {
      for (let atMs = nowMs; atMs < 70_000; atMs += RTT_MS)
        control.acknowledged(MSS, false, MSS, atMs, RTT_MS);
    });
    for (const segments of [silent, limited]) assert.ok(segments < 175, String(segments));
  });

  it('gives room up if the next loss comes below the old window (§4.7)', () => {
    const control = new Cubic(200 * MSS, 200 * MSS);
    control.lost(200 * MSS, MSS);
    control.windowBytes = 100 * MSS;
    control.lost(100 * MSS, MSS);
    control.windowBytes = control.thresholdBytes;
    for (let round = 0; round < 45; round += 1) acknowledgeRound(control, round * RTT_MS);
    // W_max is 85 now: K = cbrt((85 − 70) / 0.4) = 3.3 s.
    assert.ok(control.windowBytes < 110 * MSS, String(control.windowBytes));
  });

  it('is no slower than Reno where the window is small (§4.3)', () => {
    const cubic = new Cubic(10 * MSS, 10 * MSS);
    cubic.lost(10 * MSS, MSS);
    cubic.windowBytes = cubic.thresholdBytes;
    for (let round = 0; round < 40; round += 1) acknowledgeRound(cubic, round * 10);
    assert.ok(cubic.windowBytes >= 20 * MSS, String(cubic.windowBytes));
  });
});
