/** The runner of Node's suite, on a suite of a few tests with known outcomes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT } from '../docs/pages.js';
import { until } from '../support/until.js';

const HANGS_MS = 60_000;
const MAJOR = Number.parseInt(process.versions.node, 10);
const OTHER_MAJOR = MAJOR + 2;
const SCRIPT = join(ROOT, 'scripts', 'test-node-suite.mjs');

/** The files of a suite: their names and programs. */
const TESTS = {
  'test-net-passes.js': '',
  'test-net-fails.js': 'throw new RangeError("on purpose")',
  'test-http-skips.js': 'console.log("1..0 # Skipped: on purpose"); process.exit(0)',
  'test-http-flags.mjs':
    '// Flags: --expose-gc\n// Env: A=1 B=c=d\nif (!gc || process.env.B !== "c=d") throw 1',
  'test-tls-scratch.js': `
    const { mkdirSync } = require('node:fs');
    mkdirSync(process.env.NODE_TEST_DIR + '/.tmp.' + process.env.TEST_THREAD_ID);`,
  'test-tls-scratch-again.js': `
    const { mkdirSync } = require('node:fs');
    mkdirSync(process.env.NODE_TEST_DIR + '/.tmp.' + process.env.TEST_THREAD_ID);`,
  'test-dgram-other-group.js': 'throw new Error("is no test of TCP")',
};

interface Entry {
  readonly test: string;
  readonly node: readonly number[];
  readonly cause: string;
  readonly reason: string;
  readonly flaky?: boolean;
}

const failing: Entry = { test: 'test-net-fails', node: [MAJOR], cause: 'node', reason: 'on purpose' };
const passing: Entry = { test: 'test-net-passes', node: [MAJOR], cause: 'node', reason: 'none' };

describe("the runner of Node's suite", () => {
  let folder: string;
  let list: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'asynctcp-suite-'));
    list = join(folder, 'list.json');
    mkdirSync(join(folder, 'test', 'parallel'), { recursive: true });
    for (const [name, program] of Object.entries(TESTS)) addTest(name, program);
  });
  after(() => rmSync(folder, { recursive: true }));

  function addTest(name: string, program: string): void {
    writeFileSync(join(folder, 'test', 'parallel', name), program);
  }

  /** Runs the suite with a list. */
  function run(entries: unknown, ...words: string[]): { status: number | null; text: string } {
    writeFileSync(list, JSON.stringify(entries));
    const args = [SCRIPT, '--suite', folder, '--list', list, '--no-hook', ...words];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: HANGS_MS,
    });
    return { status, text: stdout + stderr };
  }

  const written = (): unknown => JSON.parse(readFileSync(list, 'utf8'));

  it('fails on a test that fails and is not listed, and names its error', () => {
    const { status, text } = run([]);
    assert.equal(status, 1, text);
    assert.match(text, /fail and are not listed \(1\):\n {2}test-net-fails: RangeError: on purpose\n/);
    assert.match(text, /^net +1 +1 +0$/m);
    assert.match(text, /^http +1 +0 +1$/m);
    assert.match(text, /^tls +2 +0 +0$/m);
  });

  it('accepts a test that fails as listed', () => {
    const { status, text } = run([failing]);
    assert.equal(status, 0, text);
    assert.match(text, /fail as listed \(1\):\n {2}test-net-fails: node: on purpose\n/);
  });

  it('fails on a listed test that passes, but not on one that is flaky', () => {
    const { status, text } = run([failing, passing]);
    assert.equal(status, 1, text);
    assert.match(text, /pass and are listed \(1\):\n {2}test-net-passes\n/);
    assert.equal(run([failing, { ...passing, flaky: true }]).status, 0);
  });

  it('looks only at the entries for the Node that runs the tests, and without the hook at causes in Node', () => {
    assert.equal(run([failing, { ...passing, node: [OTHER_MAJOR] }]).status, 0);
    assert.equal(run([{ ...failing, node: [OTHER_MAJOR] }]).status, 1);
    assert.equal(run([failing, { ...passing, cause: 'ours' }]).status, 0);
    assert.equal(run([{ ...failing, cause: 'ours' }]).status, 1);
  });

  it('puts a test that fails on the list, and takes a test that passes off it', () => {
    const kept = { ...passing, test: 'test-net-other', node: [OTHER_MAJOR] };
    run([{ ...passing, node: [MAJOR, OTHER_MAJOR] }, kept], '--write');
    assert.deepEqual(written(), [
      { ...failing, reason: 'RangeError: on purpose' },
      kept,
      { ...passing, node: [OTHER_MAJOR] },
    ]);
    assert.equal(run(written()).status, 0);
  });

  it('takes part of the tests by group and by name, and leaves the other entries of the list alone', () => {
    const { status, text } = run([failing], '--only', 'http,tls', '--match', 'scratch', '--write');
    assert.equal(status, 0, text);
    assert.match(text, /, 2 tests$/m);
    assert.deepEqual(written(), [failing]);
  });

  it('reports the outcome of every test', () => {
    const file = join(folder, 'report.json');
    run([], '--report', file, '--only', 'net,http');
    const report = JSON.parse(readFileSync(file, 'utf8')) as { results: { test: string; outcome: string }[] };
    assert.deepEqual(
      report.results.map(({ test, outcome }) => [test, outcome]),
      [
        ['test-net-fails', 'fail'],
        ['test-net-passes', 'pass'],
        ['test-http-flags', 'pass'],
        ['test-http-skips', 'skip'],
      ],
    );
  });

  it('ends a test that hangs, and the processes that a test leaves behind', async () => {
    const file = join(folder, 'pid');
    addTest(
      'test-http2-hangs.js',
      `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
      require('node:fs').writeFileSync(${JSON.stringify(file)}, String(child.pid));`,
    );
    const { status, text } = run([], '--only', 'http2', '--timeout', '1');
    rmSync(join(folder, 'test', 'parallel', 'test-http2-hangs.js'));
    assert.equal(status, 1);
    assert.match(text, /test-http2-hangs: does not end within 1 s/);
    const pid = readFileSync(file, 'utf8');
    await until('the child is gone', () => !existsSync(`/proc/${pid}/exe`));
  });

  it('refuses options and lists that it does not understand', () => {
    const refused = (text: RegExp, entries: unknown, ...words: string[]): void => {
      const result = run(entries, ...words);
      assert.equal(result.status, 2, result.text);
      assert.match(result.text, text);
    };
    refused(/--jobs: 'two' is not a whole number from 1 to 64/, [], '--jobs', 'two');
    refused(/--only: 'udp' is none of net, http, https, tls, http2/, [], '--only', 'net,udp');
    refused(/Unknown option '--fast'/, [], '--fast');
    refused(/--suite: there is no folder/, [], '--suite', '/nowhere');
    refused(/no test has such a name/, [], '--match', 'nothing');
    refused(/test-net-fails has no reason of one line/, [{ ...failing, reason: '' }]);
    refused(/test-net-fails has a cause that is none of node, private, ours/, [{ ...failing, cause: 'x' }]);
    refused(/test-net-fails is flaky/, [{ ...failing, cause: 'ours', flaky: true }]);
    refused(/test-net-fails on Node \d+ is listed twice/, [failing, failing]);
  });
});
