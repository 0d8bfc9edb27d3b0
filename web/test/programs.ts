/** Programs that tests run. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a program, and returns its standard output. Rejected if it fails. */
export async function output(program: string, ...args: string[]): Promise<string> {
  return (await run(program, args, { timeout: 60_000 })).stdout;
}

/**
 * Returns the reason to skip a test if a program is not installed. With ASYNCTCP_REQUIRE_PEERS=1 nothing is
 * skipped, and the test fails.
 */
export function unlessInstalled(...programs: string[]): string | false {
  if (process.env['ASYNCTCP_REQUIRE_PEERS'] === '1') return false;
  const missing = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined);
  return missing.length > 0 && `not installed: ${missing.join(', ')}`;
}
