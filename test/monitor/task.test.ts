/** The monitor's view of the task: a callback that blocks is bitten, and timed with diagnostics. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AsyncClient, AsyncServer, configure, onWatchdog } from 'asynctcp';
import { startMonitor } from 'asynctcp/monitor';
import { until } from '../support/until.js';

const TIMEOUT_S = 1;
/** So long that the watchdog certainly looks meanwhile. */
const BLOCKED_MS = 3000;

configure({ wdtTimeoutS: TIMEOUT_S, diagnostics: 1 });

function blockFor(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

it('a callback that blocks is a bite with its backtrace, beside the handler of the program', async () => {
  const handlers: string[] = [];
  onWatchdog(({ handler }) => handlers.push(handler));
  const server = new AsyncServer('127.0.0.1', 0);
  let isBlocked = false;
  server.onClient((client) => {
    client.onData(function stuck() {
      blockFor(BLOCKED_MS);
      isBlocked = true;
    });
  });
  await server.begin();
  const monitor = startMonitor();
  const client = await AsyncClient.open('127.0.0.1', server.port());
  client.write('block');
  await until('the callback has blocked', () => isBlocked);
  await until('the bite is there', () => monitor.snapshot().task.bites.length > 0);
  const { task } = monitor.snapshot();
  const [bite] = task.bites;
  assert.ok(bite !== undefined);
  assert.match(bite.text, /watchdog got triggered/);
  assert.match(bite.backtrace.join('\n'), /blockFor|stuck/);
  assert.deepEqual(handlers, ['onData']);
  const event = monitor.events().find(({ kind }) => kind === 'bite');
  assert.match(event?.text ?? '', /^onData: Task watchdog got triggered/);
  const longest = task.callbacks[0];
  assert.deepEqual([longest?.name, longest?.slow], ['onData', 1]);
  assert.ok(Number(longest?.longestMs) >= BLOCKED_MS);
  assert.ok(task.stackWords !== null && task.stackHighWaterMark !== null);
  assert.ok(task.stackHighWaterMark > task.stackWords / 2, 'the measurement itself uses no stack');
  client.abort();
  await server.end({ clients: 'abort' });
  monitor.end();
});
