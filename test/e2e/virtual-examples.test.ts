/** The examples of simulated networks: each does what its first comment says. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HANGS_MS, MAIN } from './programs/inline.js';
import { Program, start, startNode } from './programs.js';

const ROOT = new URL('../../../', import.meta.url);

function pathOf(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

/** Resolves to the lines that an example on Node's own API prints. */
async function linesOf(test: TestContext, name: string): Promise<string[]> {
  const text = await startNode(test, new URL(`examples/net/build/${name}.js`, ROOT), []).output();
  return text.trimEnd().split('\n');
}

describe('examples of simulated networks', { concurrency: true, timeout: HANGS_MS }, () => {
  it('twenty devices report again after an outage and a reboot, with each of five seeds', async (test) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const scenario = pathOf('build/examples/virtual/wifi-outage.js');
      const words = [MAIN, 'sim', scenario, '-q', '--seed', String(seed)];
      const text = await start(test, process.execPath, words).output();
      assert.match(text, /^reports in the last minute: [3-6]\d or more of each device$/m, `seed ${seed}`);
      assert.match(text, /^300\.000000 s of virtual time, seed \d, 21 hosts, 21 links/m);
    }
  });

  it('an MQTT session lasts through half an hour by its keepalive, or connects again', async (test) => {
    const lines = await linesOf(test, 'virtual-mqtt');
    assert.match(lines[0] ?? '', /^keepalive 300 s: arrived after \d\.\d s, connections: 1$/);
    assert.equal(lines[1], 'keepalive 0 s: read ECONNRESET');
    assert.match(lines[2] ?? '', /^keepalive 0 s: arrived after \d+\.\d s, connections: 2$/);
    assert.equal(lines.length, 3);
  });

  it('http downloads a megabyte in the time that the link needs', async (test) => {
    const [line = ''] = await linesOf(test, 'virtual-http');
    const [, seconds = ''] = /^1000000 bytes after ([\d.]+) s of virtual time$/.exec(line) ?? [];
    assert.ok(Number(seconds) > 0.8 && Number(seconds) < 3, line);
  });

  it('ws finds a client whose network is gone', async (test) => {
    const lines = await linesOf(test, 'virtual-ws');
    assert.match(
      lines.join('\n'),
      /^hello came back after \d+ ms\nafter 300\.\d+ s: open\nthe server gave up after 360 s$/,
    );
  });

  it('the test with node:test passes', async (test) => {
    // Under a test runner, a test program would report to that one.
    const file = new URL('build/examples/virtual/testing.js', ROOT);
    const example = startNode(test, file, [], { NODE_TEST_CONTEXT: '' });
    assert.deepEqual(await example.ended, { status: 0, signal: null }, example.stdout.text);
    assert.match(example.stdout.text, /^[#ℹ] pass 2$/m);
  });

  it('the test with vitest passes, with each of its seeds', async (test) => {
    const vitest = join(
      dirname(createRequire(pathOf('examples/vitest/')).resolve('vitest/package.json')),
      'vitest.mjs',
    );
    const env = { ...process.env, NO_COLOR: '1', NODE_TEST_CONTEXT: '' };
    const words = [vitest, 'run', '--reporter=json'];
    const running = new Program(
      spawn(process.execPath, words, { cwd: pathOf('examples/vitest'), env, stdio: 'pipe' }),
    );
    test.after(() => running.kill());
    assert.match(await running.output(), /"numPassedTests":10,"numFailedTests":0/);
  });
});
