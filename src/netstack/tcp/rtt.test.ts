/** The round-trip time and the timeout (RFC 6298 §2). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROFILES } from '../profile.js';
import { RoundTrip } from './rtt.js';
import { TimeRow, TimeTable } from './time-table.js';

const LINUX = PROFILES.linux.tcp;

function roundTrip(): RoundTrip {
  return new RoundTrip(new TimeRow(new TimeTable()));
}

describe('the round trip', () => {
  it('gives the first timeout of the profile before a sample (2.1)', () => {
    assert.equal(roundTrip().timeoutMs(LINUX), 1000);
    assert.equal(roundTrip().timeoutMs(PROFILES.esp32.tcp), 1500);
    assert.equal(roundTrip().timeoutMs(PROFILES.arduino.tcp), 3000);
  });

  it('begins with the first sample and half of it (2.2)', () => {
    const trip = roundTrip();
    trip.add(400, 0);
    assert.equal(trip.smoothedMs, 400);
    assert.equal(trip.variationMs, 200);
    assert.equal(trip.timeoutMs(LINUX), 400 + 4 * 200);
  });

  it('moves by an eighth and a quarter, the variation first (2.3)', () => {
    const trip = roundTrip();
    trip.add(400, 0);
    trip.add(480, 1);
    assert.equal(trip.variationMs, 0.75 * 200 + 0.25 * 80);
    assert.equal(trip.smoothedMs, 410);
  });

  it('keeps the timeout between the bounds of the profile (2.4, 2.5)', () => {
    const trip = roundTrip();
    for (let sample = 0; sample < 100; sample += 1) trip.add(1, sample);
    assert.ok(trip.timeoutMs(LINUX) >= 200 && trip.timeoutMs(LINUX) < 210);
    assert.equal(trip.timeoutMs(PROFILES.esp32.tcp), 1500);
    const slow = roundTrip();
    slow.add(1_000_000, 0);
    assert.equal(slow.timeoutMs(LINUX), 120_000);
  });

  it('remembers the smallest of the last five minutes', () => {
    const trip = roundTrip();
    trip.add(10, 0);
    trip.add(50, 1000);
    assert.equal(trip.smallestMs, 10);
    trip.add(40, 300_001);
    assert.equal(trip.smallestMs, 40);
  });
});
