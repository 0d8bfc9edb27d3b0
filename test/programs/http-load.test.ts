/** A server of node:http on asynctcp, under the load of 500 connections: no error, and the memory is flat. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { start, type Program } from '../e2e/programs.js';
import { AUTOCANNON, CARRIED_WAYS, startIn, takeCarried } from './ways.js';
import { HANGS_MS, inForm } from '../support/form.js';
import { withoutMemory, type Holdings } from '../soak/holdings.js';

const CONNECTIONS = 500;
/** On a busy machine, a short load is over before the last connections are made. */
const LEAST_AT_ONCE = inForm({ short: CONNECTIONS / 10, long: CONNECTIONS - 1 });
/** Seconds of load before the memory is measured: the engine compiles the code. */
const WARM_UP_S = inForm({ short: 2, long: 15 });
const LOAD_S = inForm({ short: 2, long: 60 });
/** Tolerance for the engine: less than 6 bytes for each request of the long form. */
const HEAP_GROWTH_LIMIT_BYTES = 1_048_576;
const RESIDENT_GROWTH_LIMIT_BYTES = 33_554_432;

/** Silences the warning of the function that counts objects. */
const SILENT = ['--disable-warning=ExperimentalWarning'];
const PROGRAM = new URL('http-program.js', import.meta.url);

interface LoadReport {
  readonly '2xx': number;
  readonly non2xx: number;
  readonly errors: number;
  readonly timeouts: number;
}

async function load(test: TestContext, port: number, seconds: number): Promise<number> {
  const options = ['--connections', String(CONNECTIONS), '--duration', String(seconds)];
  const args = [...AUTOCANNON, ...options, `http://127.0.0.1:${port}`];
  const report = JSON.parse(await start(test, process.execPath, args).output()) as LoadReport;
  assert.deepEqual([report.non2xx, report.errors, report.timeouts], [0, 0, 0]);
  return report['2xx'];
}

async function holdings(program: Program): Promise<Holdings> {
  program.type('\n');
  const [line] = await program.stdout.line(/^\{.*$/).catch(() => assert.fail(program.stderr.text));
  return JSON.parse(line) as Holdings;
}

describe('a server of node:http under load', { timeout: HANGS_MS * CARRIED_WAYS.length }, () => {
  const skip = process.platform === 'linux' ? false : 'memory is read from Linux /proc';

  for (const way of CARRIED_WAYS) {
    const name = `answers ${CONNECTIONS} connections without an error, in flat memory: ${way.name}`;
    it(name, { skip: skip === false ? way.skip : skip }, async (test) => {
      const program = startIn(test, { ...way, flags: [...way.flags, ...SILENT] }, PROGRAM);
      const port = await program.stdout.number(/^listening on port (\d+)$/);
      await load(test, port, WARM_UP_S);
      const warm = await holdings(program);
      const requests = await load(test, port, LOAD_S);
      const after = await holdings(program);

      const heapBytes = after.heapBytes - warm.heapBytes;
      const residentBytes = after.residentBytes - warm.residentBytes;
      const growth = `the heap grew by ${heapBytes} bytes, resident memory by ${residentBytes}`;
      test.diagnostic(`${requests} requests: ${growth} from ${warm.residentBytes}`);
      assert.deepEqual(withoutMemory(after), withoutMemory(warm));
      assert.ok(heapBytes < HEAP_GROWTH_LIMIT_BYTES && residentBytes < RESIDENT_GROWTH_LIMIT_BYTES, growth);

      program.endInput();
      const lines = (await program.output()).trimEnd().split('\n');
      const { atOnce } = takeCarried(lines);
      assert.ok(atOnce > LEAST_AT_ONCE, `${atOnce} connections at once`);
      assert.equal(program.stderr.text, '');
    });
  }
});
