/**
 * The library on runtimes that imitate Node: `npm run test:runtimes` installs them from their npm packages.
 * On each of them the program prints its stack and makes a connection. The native addon would load there and
 * crash the process.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installRuntime, RUNTIME_VERSIONS, type InstalledRuntime } from '../../bench/runtimes.js';

const CONVERSATION = fileURLToPath(new URL('conversation.js', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
/** Ends a run that hangs. No passing run waits this long. */
const HANGS_MS = 60_000;

const WORDS: Readonly<Record<InstalledRuntime, readonly string[]>> = {
  bun: ['--no-install', 'run'],
  deno: ['run', '--quiet', '--no-lock', '--no-remote', '--allow-all'],
};

async function check(runtime: InstalledRuntime): Promise<void> {
  const { program, reason } = await installRuntime(runtime);
  if (program === undefined) throw new Error(`${runtime} cannot be tried: ${reason}`);
  const run = (...words: string[]): string =>
    execFileSync(program, [...WORDS[runtime], ...words], { encoding: 'utf8', timeout: HANGS_MS });
  const told = run(COMMAND, 'doctor');
  assert.match(told, /yes +stack in use +node,/);
  assert.match(told, /no +native addon +The native addon is for Node only, and this is/);
  assert.equal(run(CONVERSATION), 'over and out, 12 bytes acknowledged\n');
  console.log(`${runtime} ${RUNTIME_VERSIONS[runtime]}: auto is the stack node, and a conversation is held`);
}

await check('bun');
await check('deno');
