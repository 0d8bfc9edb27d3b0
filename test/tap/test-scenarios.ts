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

/**
 * Returns why a scenario is skipped; false if it is not. With ASYNCTCP_REQUIRE_PEERS=1 programs that are not
 * installed are no reason, and the scenario fails.
 */
function whyNot({ needs = [] }: TapScenario): string | false {
  const missing = isRequired ? undefined : (loadAddon().reason ?? whatIsMissing(needs));
  return missing ?? whyNoTap() ?? false;
}

/** @param module the module of the scenarios, which the process that runs one imports. */
export function testScenarios(name: string, module: URL, scenarios: readonly TapScenario[]): void {
  describe(name, { timeout: SUITE_HANGS_MS }, () => {
    for (const scenario of scenarios) {
      it(scenario.title, { skip: whyNot(scenario) }, async (test) => {
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
