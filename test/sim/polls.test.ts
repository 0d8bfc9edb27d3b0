/** `onPoll` at times that are fractions of a millisecond. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from '#src/index.js';
import { Network } from '#src/sim/network.js';

/** Differences of such a time and this time plus 500 ms are rounded to less than 500. */
const DELAY_MS = 6.0699175;

describe('onPoll', () => {
  it('comes every 500 ms also to a connection that began at a fraction of a millisecond', async () => {
    const network = new Network({ seed: 1 });
    const device = network.host('device');
    const gateway = network.host('gateway');
    network.link(device, gateway, { delayMs: DELAY_MS });
    const server = new AsyncServer(80, { stack: gateway.stack });
    server.onClient(() => undefined);
    await server.begin();
    const client = await network.runUntil(AsyncClient.open('gateway', 80, { stack: device.stack }));
    const beganMs = network.nowMs;
    const atMs: number[] = [];
    client.onPoll(() => void atMs.push(network.nowMs));
    await network.run(60_000 + 1);
    assert.equal(atMs.length, 120);
    // The first one may be late by the fraction.
    assert.ok(Number(atMs[0]) >= beganMs + 500 && Number(atMs[0]) < beganMs + 501);
    assert.ok(atMs.every((ms, index) => ms === Number(atMs[0]) + 500 * index));
  });
});
