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
    let polls = 0;
    client.onPoll(() => void (polls += 1));
    await network.run(60_000);
    assert.equal(polls, 120);
  });
});
