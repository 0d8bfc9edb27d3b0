import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TakenReports, type TakenReporter } from './taken-reports.js';

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ask(reports: TakenReports, reporter: TakenReporter, isUrgent: boolean): void {
  reports.add(reporter);
  if (isUrgent) reports.hurry();
}

/** Writes down the names of the reporters, in the order of their reports. */
class Log {
  readonly names: string[] = [];

  reporter(name: string, then?: () => void): TakenReporter {
    return {
      onReportTurn: () => {
        this.names.push(name);
        then?.();
      },
    };
  }
}

describe('reports of what the kernel has taken', () => {
  it('come once, in a turn of their own, in the order of asking, urgent or not', async () => {
    const log = new Log();
    const reports = new TakenReports();
    for (const [name, isUrgent] of [['a', false] as const, ['b', true] as const, ['c', false] as const]) {
      ask(reports, log.reporter(name), isUrgent);
    }
    assert.deepEqual(log.names, []);
    await turn();
    assert.deepEqual(log.names, ['a', 'b', 'c']);
    await turn();
    assert.deepEqual(log.names, ['a', 'b', 'c']);
  });

  it('that are asked for during a report wait for the next turn, so that the loop is not held', async () => {
    const log = new Log();
    const reports = new TakenReports();
    const again: TakenReporter = log.reporter('again', () => {
      if (log.names.length < 5) ask(reports, again, true);
    });
    ask(reports, again, true);
    for (const turns of [1, 2, 3, 4, 5, 5]) {
      await turn();
      assert.equal(log.names.length, turns);
    }
  });

  it('keep the process alive only if one of them is urgent', async () => {
    const immediates = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;
    const log = new Log();
    const reports = new TakenReports();
    const before = immediates();
    ask(reports, log.reporter('first'), false);
    assert.equal(immediates(), before);
    ask(reports, log.reporter('urgent'), true);
    assert.equal(immediates(), before + 1);
    ask(reports, log.reporter('last'), false);
    assert.equal(immediates(), before + 1);
    await turn();
    assert.equal(log.names.length, 3);
  });

  it('reach the other connections also if one of them throws', async () => {
    const uncaught: unknown[] = [];
    process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
    try {
      const log = new Log();
      const reports = new TakenReports();
      const fault = new Error('a fault of one connection');
      ask(
        reports,
        log.reporter('throws', () => {
          throw fault;
        }),
        true,
      );
      ask(reports, log.reporter('other'), true);
      await turn();
      await turn();
      assert.deepEqual(uncaught, [fault]);
      assert.deepEqual(log.names, ['throws', 'other']);
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
  });
});
