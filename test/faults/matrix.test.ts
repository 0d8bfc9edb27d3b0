/**
 * Each system call fails once, or a few times, at each place where the workload makes it: the contract's
 * clauses on lives and bytes still hold, nothing is left behind, and the stack continues.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, mock } from 'node:test';
import { HANGS_MS, inForm } from '../support/form.js';
import { UNUSED_PORT } from '../support/unused.js';
import { injectingAddon, inject, unlessInjectingAddonLoads, type SystemCall } from './injecting-addon.js';
import { INJECTIONS_FOR, type PlannedInjection } from './injections.js';
import { NodePeer, Workload } from './workload.js';
import { Testbed } from './testbed.js';

/** More calls of one system call than a workload makes. */
const MANY = 10_000;
/** Failures in a row, up to more than the addon retries after EINTR. */
const TIMES_IN_A_ROW = [1, 4, 10];

const skip = unlessInjectingAddonLoads();

describe('a system call that fails', { skip, timeout: HANGS_MS }, () => {
  const node = new NodePeer();
  const testbeds: Testbed[] = [];
  let runs = 0;

  before(async () => {
    mock.method(console, 'warn', () => undefined);
    await node.listen();
    const addon = injectingAddon();
    addon.clearFaults();
    testbeds.push(new Testbed(addon), new Testbed(addon, false));
    process.setUncaughtExceptionCaptureCallback((error) => {
      for (const testbed of testbeds) testbed.report(error.stack ?? String(error));
    });
  });

  after(async () => {
    process.setUncaughtExceptionCaptureCallback(null);
    mock.restoreAll();
    await node.close();
  });

  /** Runs one workload and returns its violations. */
  async function run(testbed: Testbed, isHarmless: boolean): Promise<string> {
    runs += 1;
    testbed.violations = [];
    const workload = new Workload(testbed, node, UNUSED_PORT);
    await workload.run();
    const errors = isHarmless ? workload.unwelcomeErrors() : [];
    const all = [...testbed.violations, ...errors.map((victim) => `an error that should not be: ${victim}`)];
    return all.length === 0 ? '' : `${all.join('\n')}\n\n${workload.toString()}`;
  }

  async function runWith(
    testbed: Testbed,
    call: SystemCall,
    nth: number,
    { injection, isHarmless }: PlannedInjection,
    times: number,
  ): Promise<number> {
    testbed.addon.clearFaults();
    inject(testbed.addon, call, injection, { nth, times });
    const wrong = await run(testbed, isHarmless);
    const calls = testbed.addon.calls(call);
    testbed.addon.clearFaults();
    assert.equal(wrong, '', `call ${nth} of ${call} (${times} times): ${injection}`);
    return calls;
  }

  /** The short form has one injection for each place, in turn. */
  function chosen(injections: readonly PlannedInjection[], nth: number): [PlannedInjection, number][] {
    const all = TIMES_IN_A_ROW.flatMap((times) =>
      injections.map((injection): [PlannedInjection, number] => [injection, times]),
    );
    return inForm({ short: all.filter((_, index) => index === nth % all.length), long: all });
  }

  async function runEverywhere(testbed: Testbed, call: SystemCall, all: readonly PlannedInjection[]) {
    let nth = 1;
    for (let calls = MANY; nth <= calls; nth += 1) {
      calls = 0;
      for (const [injection, times] of chosen(all, nth)) {
        calls = Math.max(calls, await runWith(testbed, call, nth, injection, times));
      }
    }
    assert.equal(await run(testbed, true), '', 'afterwards, without an injection');
    return nth;
  }

  for (const [call, injections] of INJECTIONS_FOR) {
    it(`${call} costs at most the connections that it concerns`, async (test) => {
      for (const testbed of testbeds)
        test.diagnostic(`${await runEverywhere(testbed, call, injections)} places`);
    });
  }

  it('runs that many workloads', (test) => {
    test.diagnostic(`${runs} workloads`);
  });
});
