/** Retransmission of what a program writes between two runs, when no packet comes that wakes its host. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from '#src/index.js';
import { Network } from '#src/sim/network.js';

describe('a segment that is lost', () => {
  for (const profile of ['linux', 'esp32'] as const) {
    it(`is sent again, also if it was written while nothing ran: ${profile}`, async () => {
      const network = new Network({ seed: 1 });
      const device = network.host('device', { profile });
      const gateway = network.host('gateway');
      const link = network.link(device, gateway, { delayMs: 40 });
      let heard = '';
      const server = new AsyncServer(80, { stack: gateway.stack });
      server.onClient((client) => {
        client.onData((_, data) => void (heard += new TextDecoder().decode(data)));
      });
      await server.begin();
      const client = await network.runUntil(AsyncClient.open('gateway', 80, { stack: device.stack }));
      await network.run(300_000);
      link.dropNext(({ payloadBytes }) => payloadBytes > 0);
      client.write('hello');
      await network.run(5000);
      assert.equal(heard, 'hello');
    });
  }
});
