import assert from 'node:assert/strict';
import { it } from 'node:test';
import { biteText, lateText, returnedText, type WatchdogBite } from './watchdog-bite.js';

const BITE: WatchdogBite = {
  handler: 'onData',
  blockedMs: 1043,
  timeoutMs: 1000,
  threadId: 0,
  client: {
    localIP: '::1',
    localPort: 7007,
    remoteIP: '::1',
    remotePort: 40_000,
    state: 'Established',
    bytesIn: 12,
    bytesOut: 3,
  },
  backtrace: ['spin (/app.ts:3:5)', '<anonymous> (/app.ts:9:1)'],
  panic: false,
};

it('a bite reports the time, the handler, the client and the place', () => {
  assert.equal(
    biteText(BITE),
    [
      'asynctcp: Task watchdog got triggered. The async task in the main thread has been in one callback for 1.04 s.',
      '  handler  onData, which may take 1 s (CONFIG_ESP_TASK_WDT_TIMEOUT_S)',
      '  client   [::1]:40000 (here [::1]:7007), Established, 12 bytes in, 3 bytes out',
      '  stuck in',
      '    at spin (/app.ts:3:5)',
      '    at <anonymous> (/app.ts:9:1)',
    ].join('\n'),
  );
});

it('a bite with panic says that the task is ended, and a worker is named by its number', () => {
  const text = biteText({ ...BITE, panic: true, threadId: 3 });
  assert.match(text, /in thread 3 has/);
  assert.match(text, /\n {2}The task is ended \(CONFIG_ESP_TASK_WDT_PANIC\)\.$/);
});

it('a thread that cannot be interrupted is reported at once, its place later', () => {
  const text = biteText({ ...BITE, client: undefined, backtrace: [] });
  assert.match(text, /\n {2}stuck in a synchronous call/);
  assert.doesNotMatch(text, /client/);
  assert.match(lateText('onPoll', BITE), /^asynctcp: onPoll can be interrupted now\.\n {2}client/);
  assert.equal(returnedText('onPoll', 3210), 'asynctcp: onPoll has returned, after 3.21 s.');
});
