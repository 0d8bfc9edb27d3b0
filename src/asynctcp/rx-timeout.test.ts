import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RxTimeout } from './rx-timeout.js';

const TIMEOUT_MS = 4000;

/** Returns a timeout that began at 0, with nothing acknowledged. */
function begun(): RxTimeout {
  return new RxTimeout(TIMEOUT_MS, 0, 0);
}

describe('the receive timeout', () => {
  it('is over exactly at its time when nothing was in flight', () => {
    const timeout = begun();
    assert.deepEqual([timeout.nextMs(), timeout.looks], [4000, false]);
    timeout.look(3999, 0, 0);
    assert.equal(timeout.isOver(3999), false);
    timeout.look(4000, 0, 0);
    assert.equal(timeout.isOver(4000), true);
  });

  it('begins anew with data', () => {
    const timeout = begun();
    timeout.heard(3999);
    assert.deepEqual([timeout.nextMs(), timeout.isOver(7998), timeout.isOver(7999)], [7999, false, true]);
  });

  it('looks for acknowledgements at quarters while bytes are in flight, and begins anew with one', () => {
    const timeout = begun();
    timeout.lookSoon(100);
    assert.deepEqual([timeout.nextMs(), timeout.looks], [1100, true]);
    timeout.look(1100, 10, 5);
    assert.equal(timeout.nextMs(), 2100);
    timeout.look(2100, 15, 0);
    assert.deepEqual([timeout.nextMs(), timeout.looks], [6100, false]);
  });

  it('with bytes in flight that nobody acknowledges is over at its time', () => {
    const timeout = begun();
    for (const nowMs of [0, 1000, 2000, 3000]) timeout.look(nowMs, 0, 5);
    assert.deepEqual([timeout.nextMs(), timeout.isOver(4000)], [4000, true]);
  });

  it('stands still while stopped, and goes on from where it stood', () => {
    const timeout = begun();
    timeout.stop(3000);
    assert.deepEqual([timeout.nextMs(), timeout.isOver(1e9)], [Number.POSITIVE_INFINITY, false]);
    timeout.go(60_000);
    assert.deepEqual([timeout.nextMs(), timeout.isStopped], [61_000, false]);
  });

  it('that hears of the peer while it stands still begins anew when it goes on', () => {
    const timeout = begun();
    timeout.lookSoon(0);
    timeout.stop(3000);
    timeout.heard(5000);
    timeout.go(60_000);
    // The timeout first looks for acknowledgements that came meanwhile.
    assert.equal(timeout.nextMs(), 61_000);
    timeout.look(61_000, 0, 0);
    assert.equal(timeout.nextMs(), 64_000);
  });
});
