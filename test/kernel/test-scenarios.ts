/** Declares scenarios as tests of Node's own runner, each in a process of its own. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '#src/addon/load-addon.js';
import { isRequired, start, whatIsMissing } from '../e2e/programs.js';
import { inNamespace, whyNoNamespace } from '../support/namespace.js';
import type { Scenario } from './scenario.js';

/** Ends a test that hangs. */
const HANGS_MS = 120_000;
/** Scenarios at once: many of them only wait for the kernel's timers. */
const AT_ONCE = 4;
const PROGRAM = fileURLToPath(new URL('scenario-program.js', import.meta.url));
/** Without the watchdog, whose thread would free descriptors while they are counted. */
const ENVIRONMENT = { CONFIG_ASYNC_TCP_USE_WDT: '0' };
/** Returns why this machine cannot run the scenario, if it cannot. */
function whyNot({ ownNetwork = false, usesIpv6 = false, needs }: Scenario): string | undefined {
  const { addon, reason } = loadAddon();
  if (addon === undefined) return `there is no stack kernel: ${reason}`;
  const missing = whatIsMissing(needs);
  if (missing !== undefined) return missing;
  if (usesIpv6 && !existsSync('/proc/sys/net/ipv6')) return 'this machine has no IPv6';
  return ownNetwork ? whyNoNamespace() : undefined;
}

/** @param module the module of the scenarios, which the process that runs one imports. */
export function testScenarios(name: string, module: URL, scenarios: readonly Scenario[]): void {
  describe(name, { concurrency: AT_ONCE, timeout: HANGS_MS }, () => {
    for (const scenario of scenarios) {
      const reason = whyNot(scenario);
      it(scenario.title, { skip: isRequired ? false : (reason ?? false) }, async (test) => {
        if (reason !== undefined) throw new Error(reason);
        const words = [process.execPath, '--enable-source-maps', PROGRAM, module.href, scenario.title];
        const [command = '', ...args] = scenario.ownNetwork === true ? inNamespace(words) : words;
        const program = start(test, command, args, ENVIRONMENT);
        const ending = await program.ended;
        const printed = `${program.stdout.text}${program.stderr.text}`;
        assert.deepEqual(ending, { status: 0, signal: null }, printed);
      });
    }
  });
}
