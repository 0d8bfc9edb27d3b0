/** Runs every contract case on a target, as tests of Node's own runner. */
import { describe, it } from 'node:test';
import { CASES } from '../contract/cases.js';
import { runCase } from '../contract/run-case.js';
import { concerns, type Target } from '../contract/case.js';
import { unlessInstalled } from '../e2e/programs.js';

/** @param programs that the target's environment needs. */
export function testTarget(
  target: Target,
  programs: Parameters<typeof unlessInstalled> = ['python3', 'prlimit'],
): void {
  describe(`contract on ${target.name}`, { skip: unlessInstalled(...programs) }, () => {
    for (const contractCase of CASES.filter((candidate) => concerns(target, candidate))) {
      it(`${contractCase.id} ${contractCase.title}`, async (test) => {
        const outcome = await runCase(target, contractCase);
        if (outcome.kind === 'failed') throw outcome.error;
        if (outcome.kind === 'unmet') test.skip(`cannot be met: ${outcome.reason}`);
      });
    }
  });
}
