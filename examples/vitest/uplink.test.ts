/**
 * A test of one's own program in a simulated network, with vitest: do the readings of `Uplink` survive an
 * outage, with each of ten seeds?
 *
 *     npm test
 */
import { AsyncServer } from 'asynctcp';
import { Network } from 'asynctcp/virtual';
import { describe, expect, it } from 'vitest';
import { Uplink } from '../virtual/uplink.js';

const MINUTE_MS = 60_000;
const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);

describe('Uplink', () => {
  it.each(SEEDS)('delivers every reading, in order, through an outage (seed %i)', async (seed) => {
    const network = new Network({ seed });
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
    // A reading whose acknowledgement is lost is sent again.
    expect([...new Set(lines)]).toEqual(Array.from({ length: 30 }, (_, minute) => `reading ${minute}`));
  });
});
