/** Starts the programs of examples/web, and asks them by curl. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '#src/addon/load-addon.js';
import { start, startPeer, unlessInstalled, type Program } from '../e2e/programs.js';

const noCurl = unlessInstalled('curl');

/** The stacks on the system's TCP, which curl reaches, and for each the reason to skip a test, or false. */
export const SYSTEM_STACKS: readonly (readonly [stack: string, skip: string | false])[] = [
  ['kernel', loadAddon().reason ?? noCurl],
  ['node', noCurl],
];

export interface Example {
  readonly program: Program;
  readonly url: string;
}

/** Starts an example on a free port, and resolves when it listens. It is killed at the end of the test. */
export async function startExample(
  test: TestContext,
  name: string,
  stack: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Example> {
  const file = fileURLToPath(import.meta.resolve(`asynctcp-examples-web/${name}`));
  const program = start(test, process.execPath, [file], { PORT: '0', STACK: stack, ...env });
  const port = await program.stdout.number(/^listening on (\d+)$/);
  return { program, url: `http://127.0.0.1:${port}` };
}

/** Asks an example to end, which it does by itself with status 0 and without a complaint. */
export async function endExample({ program }: Example): Promise<void> {
  assert.deepEqual(await program.terminate(), { status: 0, signal: null }, program.stderr.text);
  assert.equal(program.stderr.text, '');
}

/** Starts curl. A path is sent as it is. */
export function startCurl(test: TestContext, ...options: string[]): Program {
  const always = ['--silent', '--show-error', '--noproxy', '*', '--path-as-is', '--globoff'];
  return startPeer(test, 'curl', ...always, ...options);
}

/** Runs curl, and resolves to its output. */
export function curl(test: TestContext, ...options: string[]): Promise<string> {
  return startCurl(test, ...options).output();
}
