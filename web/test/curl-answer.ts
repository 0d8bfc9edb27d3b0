/** Answers as curl gets them, head and bytes. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const isInstalled = spawnSync('curl', ['--version']).status === 0;

/** For a test's option `skip`: the reason. With ASYNCTCP_REQUIRE_PEERS=1 nothing is skipped, and it fails. */
export const WITHOUT_CURL =
  isInstalled || process.env['ASYNCTCP_REQUIRE_PEERS'] === '1' ? false : 'curl is not installed';

const MOST_BYTES = 100_000_000;

export interface CurlAnswer {
  readonly status: number;
  /** Lines of the head, without the status. */
  readonly head: readonly string[];
  readonly body: Buffer;
  /** Returns the first header of a name. */
  readonly header: (name: string) => string | undefined;
}

/** Runs curl, and returns the answer. A path is sent as it is. */
export async function curl(url: string, ...options: string[]): Promise<CurlAnswer> {
  const { stdout } = await run('curl', ['--silent', '--include', '--path-as-is', ...options, url], {
    encoding: 'buffer',
    maxBuffer: MOST_BYTES,
  });
  const end = stdout.indexOf('\r\n\r\n');
  const [first = '', ...head] = stdout.subarray(0, end).toString('latin1').split('\r\n');
  return {
    status: Number(first.split(' ')[1]),
    head,
    body: stdout.subarray(end + 4),
    header: (name) => {
      const line = head.find((text) => text.toLowerCase().startsWith(`${name.toLowerCase()}:`));
      return line?.slice(name.length + 1).trim();
    },
  };
}
