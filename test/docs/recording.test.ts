/** The program in docs/stacks.md that records a client prints the lines that stand below it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';
import { Page, ROOT } from './pages.js';

it('the lines of a recording in docs/stacks.md are those that its program prints', () => {
  const page = new Page('docs/stacks.md');
  const program = page.blocks('ts').find((code) => code.includes('recordingStack('));
  assert.ok(program !== undefined, 'the program is there');
  // It has no types, so that it runs as it is.
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.equal(page.blocks('text')[0], printed);
});
