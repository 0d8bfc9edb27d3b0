/** Links and pipes in whole programs, on each stack: the process, and what a program keeps. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from 'asynctcp';
import { pipe } from 'asynctcp/gateway';
import { unlessAddonLoads } from '../native/require-addon.js';
import { STACKS } from '../support/stacks.js';
import { until } from '../support/until.js';
import { start } from './programs.js';
import { HANGS_MS, program } from './programs/inline.js';
import { freePort } from '../support/free-port.js';

const GATEWAY = new URL('../../../dist/gateway.js', import.meta.url).href;
const HOST = '127.0.0.1';
const ROUNDS = 50;
/** More than the pieces of which `kernel` makes a copy of their own in any case. */
const PIECE_BYTES = 20_000;

for (const [stack, make] of Object.entries(STACKS)) {
  describe(`on ${stack}`, { skip: stack === 'kernel' && unlessAddonLoads(), timeout: HANGS_MS }, () => {
    it('a link that waits keeps the process alive, up to the end of its attempts', async (test) => {
      const file = program(
        test,
        `const link = new asynctcp.LinkKeeper('${HOST}', ${await freePort()}, {
          stack: '${stack}', giveUpAfter: 3, backoff: { firstMs: 200, jitter: 'none' },
        });
        link.onRetry(({ reason }, delayMs) => console.log('again', delayMs, reason));
        link.onGiveUp(({ reason }) => console.log('given up', reason));
        link.start();`,
        GATEWAY,
      );
      const run = start(test, process.execPath, [file]);
      assert.deepEqual(await run.ended, { status: 0, signal: null }, run.stderr.text);
      assert.equal(run.stdout.text, 'again 200 ERR_RST\nagain 400 ERR_RST\ngiven up ERR_RST\n');
    });

    it('a link with unref() lets the process end while it waits', async (test) => {
      const file = program(
        test,
        `const link = new asynctcp.LinkKeeper('${HOST}', ${await freePort()}, {
          stack: '${stack}', backoff: { firstMs: 3_600_000, capMs: 3_600_000, jitter: 'none' },
        });
        link.onRetry(() => {
          console.log('waits');
          link.unref();
        });
        link.start();`,
        GATEWAY,
      );
      const run = start(test, process.execPath, [file]);
      assert.deepEqual(await run.ended, { status: 0, signal: null }, run.stderr.text);
      assert.equal(run.stdout.text, 'waits\n');
    });

    it('a handler beside a pipe may keep its pieces: they are never written again', async () => {
      const own = make();
      const kept: Uint8Array[] = [];
      const target = new AsyncServer(HOST, 0, { stack: own });
      const proxy = new AsyncServer(HOST, 0, { stack: own });
      let arrived = 0;
      target.onClient((client) => {
        client.onData(
          (_, data) => {
            arrived += data.length;
            client.write(data.subarray(0, 1));
          },
          { view: true },
        );
      });
      proxy.onClient((client) => {
        const upstream = new AsyncClient({ stack: own });
        upstream.connect(HOST, target.port());
        client.onData((_, data) => kept.push(data));
        void pipe(client, upstream);
      });
      await Promise.all([target.begin(), proxy.begin()]);
      const client = await AsyncClient.open(HOST, proxy.port(), { stack: own });
      let answers = 0;
      client.onData((_, data) => (answers += data.length));
      for (let round = 0; round < ROUNDS; round += 1) {
        client.write(new Uint8Array(PIECE_BYTES).fill(round));
        await until('it went through', () => arrived === (round + 1) * PIECE_BYTES && answers > round);
      }
      const all = Buffer.concat(kept);
      for (let round = 0; round < ROUNDS; round += 1) {
        const part = all.subarray(round * PIECE_BYTES, (round + 1) * PIECE_BYTES);
        assert.ok(part.length === PIECE_BYTES && part.every((byte) => byte === round), `round ${round}`);
      }
      await Promise.all([target, proxy].map((server) => server.end({ clients: 'abort' })));
    });
  });
}
