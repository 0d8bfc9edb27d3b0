/**
 * Times with fractions of a millisecond, whose differences are rounded: no timer comes early, or again and
 * again at one time.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Bed, established } from './bed.js';

/** 500 ms after this time, the difference of the two times is 499.9999999999998. */
const BOOT_MS = 1955.204116;

describe('the timers of a host that was booted at a fraction of a millisecond', () => {
  it('count a tick that is due as passed (esp32)', () => {
    const bed = new Bed({ profile: 'esp32', nowMs: BOOT_MS });
    bed.stack.advance(BOOT_MS + 500);
    bed.connect(80);
    assert.equal(bed.runUntilSent(10_000), 1500, 'the SYN is sent again after three ticks');
  });

  it('probe an idle connection once', () => {
    const { bed, c } = established({ nowMs: BOOT_MS, rttMs: 0 });
    c.setKeepAlive(500, 500, 3);
    const before = bed.sent.length;
    bed.run(500);
    assert.equal(bed.sent.length - before, 1);
  });
});
