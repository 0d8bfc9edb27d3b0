/** curl, as a peer that is not ours. */
import { execFile, execFileSync } from 'node:child_process';

const version = readVersion();

function readVersion(): string | undefined {
  try {
    return execFileSync('curl', ['--version'], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}

/** For a test's option `skip`: the reason. With ASYNCTCP_REQUIRE_PEERS=1 nothing is skipped, and it fails. */
export const WITHOUT_CURL =
  version === undefined && process.env['ASYNCTCP_REQUIRE_PEERS'] !== '1' ? 'curl is not installed' : false;

/** Runs curl. Returns its answers and, with `--verbose`, what it logged of its requests. */
export function curl(...args: string[]): Promise<{ out: string; log: string }> {
  return new Promise((resolve, reject) => {
    const options = ['--silent', '--show-error', '--max-time', '20', '--noproxy', '*'];
    const child = execFile('curl', [...options, ...args], (error, out, log) => {
      if (error === null) resolve({ out, log });
      else reject(new Error(error.message, { cause: error }));
    });
    child.stdin?.end();
  });
}
