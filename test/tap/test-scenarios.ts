/** Declares scenarios as tests of Node's own runner. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '#src/addon/load-addon.js';
import { isRequired, start, whatIsMissing } from '../e2e/programs.js';
import { HANGS_MS, isLong } from '../support/form.js';
import { inNamespace, whyNoTap } from '../support/namespace.js';
import type { TapScenario } from './scenario.js';

const PROGRAM = fileURLToPath(new URL('scenario-program.js', import.meta.url));

/** Ends scenarios that hang. No passing suite takes this long. */
const SUITE_HANGS_MS = isLong ? 3 * 3_600_000 : 3 * HANGS_MS;

/** Returns why this machine cannot run the scenario, if it cannot. */
function whyNot({ needs = [] }: TapScenario): string | undefined {
  return loadAddon().reason ?? whatIsMissing(needs) ?? whyNoTap();
}

/** @param module the module of the scenarios, which the process that runs one imports. */
export function testScenarios(name: string, module: URL, scenarios: readonly TapScenario[]): void {
  describe(name, { timeout: SUITE_HANGS_MS }, () => {
    for (const scenario of scenarios) {
      const reason = whyNot(scenario);
      it(scenario.title, { skip: isRequired ? false : (reason ?? false) }, async (test) => {
        if (reason !== undefined) throw new Error(reason);
        const words = [process.execPath, '--enable-source-maps', PROGRAM, module.href, scenario.title];
        const [command = '', ...args] = inNamespace(words, scenario.prepare);
        const program = start(test, command, args);
        const ending = await program.ended;
        const printed = `${program.stdout.text}${program.stderr.text}`;
        assert.deepEqual(ending, { status: 0, signal: null }, printed);
        if (printed !== '') test.diagnostic(printed.trim());
      });
    }
  });
}
