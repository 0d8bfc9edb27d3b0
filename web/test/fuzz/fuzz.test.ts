/** The short form of the fuzzer: random requests end in answers, and nothing is left of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { folderOf } from '../files.js';
import { FILES, Fuzzer } from './fuzzer.js';

const REQUESTS = Number(process.env['ASYNCTCP_FUZZ_REQUESTS'] ?? 2000);
const SEED = Number(process.env['ASYNCTCP_FUZZ_SEED'] ?? 1);

for (const stack of ['memory', 'kernel'] as const) {
  describe(`random requests on ${stack}`, () => {
    it('end in answers or closed connections, and leave nothing', async (test) => {
      const fuzzer = new Fuzzer({ stack, seed: SEED, requests: REQUESTS, folder: folderOf(test, FILES) });
      await fuzzer.run();
      assert.deepEqual(fuzzer.violations, []);
    });
  });
}
