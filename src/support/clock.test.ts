import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from './clock.js';

/** Longer than a timer of 32 bits can wait. */
const PAST_32_BITS_MS = 2 ** 31;

/** Resolves with the time at which the alarm came. */
function alarmAt(atMs: number): Promise<number> {
  return new Promise((resolve) => {
    systemClock.setAlarm(atMs, () => {
      resolve(systemClock.nowMs());
    });
  });
}

function activeTimeouts(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

describe('the system clock', () => {
  // An alarm does not keep the process alive, so something else has to.
  let alive: NodeJS.Timeout | undefined;
  beforeEach(() => {
    alive = setInterval(() => undefined, 60_000);
  });
  afterEach(() => {
    clearInterval(alive);
  });

  it('never goes back', () => {
    let lastMs = systemClock.nowMs();
    for (let round = 0; round < 10_000; round += 1) {
      const nowMs = systemClock.nowMs();
      assert.ok(nowMs >= lastMs);
      lastMs = nowMs;
    }
  });

  it('never wakes early, not by a fraction of a millisecond', async () => {
    const startMs = systemClock.nowMs();
    const times = Array.from({ length: 50 }, (_, index) => startMs + index * 0.73);
    const woken = await Promise.all(times.map((atMs) => alarmAt(atMs)));
    for (const [index, atMs] of times.entries()) {
      assert.ok((woken[index] ?? 0) >= atMs, `${atMs} came at ${String(woken[index])}`);
    }
  });

  it('wakes for a time in the past, but not from inside setAlarm', async () => {
    let woken = false;
    const came = new Promise<void>((resolve) => {
      systemClock.setAlarm(systemClock.nowMs() - 1000, () => {
        woken = true;
        resolve();
      });
    });
    assert.equal(woken, false);
    await came;
  });

  it('wakes once', async () => {
    let wakes = 0;
    const nowMs = systemClock.nowMs();
    systemClock.setAlarm(nowMs + 1, () => (wakes += 1));
    await alarmAt(nowMs + 20);
    assert.equal(wakes, 1);
  });

  it('does not wake for an alarm that was cancelled', async () => {
    let woken = false;
    const nowMs = systemClock.nowMs();
    const alarm = systemClock.setAlarm(nowMs + 2, () => (woken = true));
    alarm.cancel();
    alarm.cancel();
    await alarmAt(nowMs + 20);
    assert.equal(woken, false);
  });

  it('takes a cancellation after the wake-up, and from inside it', async () => {
    await new Promise<void>((resolve) => {
      const alarm = systemClock.setAlarm(systemClock.nowMs(), () => {
        alarm.cancel();
        setImmediate(() => {
          alarm.cancel();
          resolve();
        });
      });
    });
  });

  it('waits for a time beyond 32 bits in pieces that the runtime can hold', async () => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => {
      warnings.push(name);
    };
    process.on('warning', onWarning);
    let woken = false;
    const nowMs = systemClock.nowMs();
    const far = [PAST_32_BITS_MS - 1, PAST_32_BITS_MS, PAST_32_BITS_MS + 1, 2 ** 40].map((ms) =>
      systemClock.setAlarm(nowMs + ms, () => (woken = true)),
    );
    await alarmAt(nowMs + 20);
    for (const alarm of far) alarm.cancel();
    process.off('warning', onWarning);
    assert.equal(woken, false);
    assert.deepEqual(warnings, []);
  });

  it('does not keep the process alive', () => {
    const before = activeTimeouts();
    const alarm = systemClock.setAlarm(systemClock.nowMs() + 60_000, () => undefined);
    assert.equal(activeTimeouts(), before);
    alarm.cancel();
  });
});
