/**
 * If the watchdog's thread cannot be started for lack of descriptors, the library tries again until it can.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { start } from './programs.js';
import { HANGS_MS, program } from './programs/inline.js';

it('a start during EMFILE is tried again until it works', { timeout: HANGS_MS }, async (test) => {
  const text = `
    import { closeSync, openSync } from 'node:fs';
    asynctcp.configure({ wdtTimeoutS: 1 });
    asynctcp.onWatchdog(({ handler }) => {
      console.log('bitten in ' + handler);
      process.exit();
    });
    const alive = setInterval(() => undefined, 1000);
    const stack = asynctcp.nodeStack();
    const taken = [];
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch {}
    const server = new asynctcp.AsyncServer('127.0.0.1', 0, { stack });
    setTimeout(async () => {
      for (const descriptor of taken) closeSync(descriptor);
      server.onClient(() => {
        const untilMs = performance.now() + 1500;
        while (performance.now() < untilMs);
      });
      await server.begin();
      // Blocks again and again, because a callback that blocks before the watchdog runs is not reported.
      setInterval(() => {
        const client = new asynctcp.AsyncClient({ stack });
        client.onConnect(() => client.close());
        client.connect('127.0.0.1', server.port());
      }, 100);
    }, 500);`;
  const file = program(test, text);
  const running = start(test, 'sh', ['-c', 'ulimit -n 256; exec "$@"', 'sh', process.execPath, file], {
    CONFIG_ASYNC_TCP_USE_WDT: '1',
  });
  await running.stderr.line(/^asynctcp: callbacks are not watched for now: .*; it is tried again$/);
  await running.stderr.line(/^asynctcp: callbacks are watched from now on$/);
  await running.stdout.line(/^bitten in onClient$/);
  assert.deepEqual(await running.ended, { status: 0, signal: null });
});
