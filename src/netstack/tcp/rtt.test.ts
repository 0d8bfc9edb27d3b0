/** The round-trip time and the timeout (RFC 6298 §2). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROFILES } from '../profile.js';
import { addSample, beginRoundTrip, timeoutMs } from './rtt.js';
import { TimeRow, TimeTable } from './time-table.js';

const LINUX = PROFILES.linux.tcp;

function roundTrip(): TimeRow {
  const times = new TimeRow(new TimeTable());
  beginRoundTrip(times);
  return times;
}

describe('the round trip', () => {
  it('gives the first timeout of the profile before a sample (2.1)', () => {
    assert.equal(timeoutMs(roundTrip(), LINUX), 1000);
    assert.equal(timeoutMs(roundTrip(), PROFILES.esp32.tcp), 1500);
    assert.equal(timeoutMs(roundTrip(), PROFILES.arduino.tcp), 3000);
  });

  it('begins with the first sample and half of it (2.2)', () => {
    const trip = roundTrip();
    addSample(trip, 400, 0);
    assert.equal(trip.smoothedRttMs, 400);
    assert.equal(trip.rttVariationMs, 200);
    assert.equal(timeoutMs(trip, LINUX), 400 + 4 * 200);
  });

  it('moves by an eighth and a quarter, the variation first (2.3)', () => {
    const trip = roundTrip();
    addSample(trip, 400, 0);
    addSample(trip, 480, 1);
    assert.equal(trip.rttVariationMs, 0.75 * 200 + 0.25 * 80);
    assert.equal(trip.smoothedRttMs, 410);
  });

  it('keeps the timeout between the bounds of the profile (2.4, 2.5)', () => {
    const trip = roundTrip();
    for (let sample = 0; sample < 100; sample += 1) addSample(trip, 1, sample);
    assert.ok(timeoutMs(trip, LINUX) >= 200 && timeoutMs(trip, LINUX) < 210);
    assert.equal(timeoutMs(trip, PROFILES.esp32.tcp), 1500);
    const slow = roundTrip();
    addSample(slow, 1_000_000, 0);
    assert.equal(timeoutMs(slow, LINUX), 120_000);
  });

  it('remembers the smallest of the last five minutes', () => {
    const trip = roundTrip();
    addSample(trip, 10, 0);
    addSample(trip, 50, 1000);
    assert.equal(trip.smallestRttMs, 10);
    addSample(trip, 40, 300_001);
    assert.equal(trip.smallestRttMs, 40);
  });
});
