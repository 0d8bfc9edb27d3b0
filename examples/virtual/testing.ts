/**
 * A test of one's own program in a simulated network, with node:test: do the readings of `Uplink` survive an
 * outage?
 *
 *     node --test build/examples/virtual/testing.js
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncServer } from 'asynctcp';
import { checkDeterminism, Network } from 'asynctcp/virtual';
import { Uplink } from './uplink.js';

const MINUTE_MS = 60_000;

/** Sends a reading in each of 30 minutes, ten of which the network is gone. Resolves to what has arrived. */
async function outage(network: Network): Promise<readonly string[]> {
  using _timers = network.installGlobals();
  const device = network.host('device', { profile: 'esp32' });
  const cloud = network.host('cloud');
  const link = network.link(device, cloud, { delayMs: 30, loss: 0.02 });
  const lines: string[] = [];
  const server = new AsyncServer(7007, { stack: cloud.stack });
  server.onClient((client) => {
    client.onData((_, data) => lines.push(...new TextDecoder().decode(data).trim().split('\n')));
  });
  await server.begin();
  const uplink = new Uplink('cloud', 7007, { stack: device.stack });
  for (let minute = 0; minute < 30; minute += 1) {
    if (minute === 5) link.cut();
    if (minute === 15) link.heal();
    uplink.send(`reading ${minute}`);
    await network.run(MINUTE_MS);
  }
  return lines;
}

describe('Uplink', () => {
  it('delivers every reading, in order, through an outage of ten minutes', async () => {
    const lines = await outage(new Network());
    const readings = Array.from({ length: 30 }, (_, minute) => `reading ${minute}`);
    // A reading whose acknowledgement is lost is sent again.
    assert.deepEqual([...new Set(lines)], readings);
  });

  it('depends on the seed alone', async () => {
    await checkDeterminism(outage);
  });
});
