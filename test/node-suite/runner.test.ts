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

const SCRATCH = `
  const { mkdirSync } = require('node:fs');
  mkdirSync(process.env.NODE_TEST_DIR + '/.tmp.' + process.env.TEST_THREAD_ID);`;

/** The files of a suite: their names and programs. */
const TESTS = {
  'test-net-passes.js': '',
  'test-net-hooked.js': 'if (globalThis.isHooked) throw new RangeError("on purpose")',
  'test-net-broken.js': 'throw new TypeError("no fault of the hook")',
  'test-http-skips.js': 'console.log("1..0 # Skipped: on purpose"); process.exit(0)',
  'test-http-needs.mjs': `
    // Flags: --expose-gc
    // Env: A=1 B=c=d
    if (!gc || process.env.A + process.env.B !== '1c=d') throw new Error('gets no flags')`.replace(
    /^ +/gm,
    '',
  ),
  'test-tls-scratch.js': SCRATCH,
  'test-tls-scratch-again.js': SCRATCH,
  'test-dgram-other-group.js': 'throw new Error("is no test of TCP")',
};

/** A hook that says what the real one says of what it carries. */
const HOOK = `
  globalThis.isHooked = true;
  if (process.env.NODE_DEBUG === 'asynctcp') {
    console.error('listen on 127.0.0.1 port 0: carried');
    console.error('connect to 127.0.0.1 port 1: carried');
  }`;

interface Entry {
  readonly test: string;
  readonly node: readonly number[];
  readonly cause: string;
  readonly reason: string;
}

const failing: Entry = { test: 'test-net-hooked', node: [MAJOR], cause: 'private', reason: 'sees the hook' };
const passing: Entry = { test: 'test-net-passes', node: [MAJOR], cause: 'ours', reason: 'none' };

describe("the runner of Node's suite", () => {
  let folder: string;
  let list: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'asynctcp-suite-'));
    list = join(folder, 'list.json');
    mkdirSync(join(folder, 'test', 'parallel'), { recursive: true });
    writeFileSync(join(folder, 'hook.mjs'), HOOK);
    writeFileSync(join(folder, 'idle.mjs'), '');
    writeFileSync(join(folder, 'broken.mjs'), 'throw new Error("on purpose")');
    for (const [name, program] of Object.entries(TESTS)) addTest(name, program);
  });
  after(() => rmSync(folder, { recursive: true }));

  function addTest(name: string, program: string): void {
    writeFileSync(join(folder, 'test', 'parallel', name), program);
  }

  /** Runs the suite under the hook, with a list. */
  function run(entries: unknown, ...words: string[]): { status: number | null; text: string } {
    const hook = words.includes('--no-hook') ? [] : ['--import', join(folder, 'hook.mjs')];
    writeFileSync(list, JSON.stringify(entries));
    const args = [SCRIPT, '--suite', folder, '--list', list, ...hook, ...words];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: HANGS_MS,
    });
    return { status, text: stdout + stderr };
  }

  const written = (): unknown => JSON.parse(readFileSync(list, 'utf8'));

  it('fails on a test that fails only under the hook and is not listed, and names its error', () => {
    const { status, text } = run([]);
    assert.equal(status, 1, text);
    assert.match(text, /fail and are not listed \(1\):\n {2}test-net-hooked: RangeError: on purpose\n/);
    assert.match(text, /^net +1 +2 +0$/m);
    assert.match(text, /^http +1 +0 +1$/m);
    assert.match(text, /^tls +2 +0 +0$/m);
  });

  it('accepts a test that fails as listed, and one that fails without the hook too', () => {
    const { status, text } = run([failing]);
    assert.equal(status, 0, text);
    assert.match(text, /fail as listed \(1\):\n {2}test-net-hooked: private: sees the hook\n/);
    assert.match(
      text,
      /fail without the hook too \(1\):\n {2}test-net-broken: TypeError: no fault of the hook\n/,
    );
  });

  it('fails on a listed test that passes, but not on one that is flaky', () => {
    const { status, text } = run([failing, passing]);
    assert.equal(status, 1, text);
    assert.match(text, /pass and are listed \(1\):\n {2}test-net-passes\n/);
    assert.equal(run([failing, { ...passing, cause: 'flaky' }]).status, 0);
  });

  it('looks only at the entries for the Node that runs the tests', () => {
    assert.equal(run([failing, { ...passing, node: [OTHER_MAJOR] }]).status, 0);
    assert.equal(run([{ ...failing, node: [OTHER_MAJOR] }]).status, 1);
  });

  it('runs the tests without the hook, and then shows what fails', () => {
    const { status, text } = run([], '--no-hook');
    assert.equal(status, 0, text);
    assert.match(text, /fail \(1\):\n {2}test-net-broken: TypeError: no fault of the hook\n/);
    assert.match(text, /^net +2 +1 +0$/m);
  });

  it('puts a test that fails on the list, and takes a test that passes off it', () => {
    const kept = { ...passing, test: 'test-net-other', node: [OTHER_MAJOR] };
    run([{ ...passing, node: [MAJOR, OTHER_MAJOR] }, kept], '--write');
    assert.deepEqual(written(), [
      { ...failing, cause: 'ours', reason: 'RangeError: on purpose' },
      kept,
      { ...passing, node: [OTHER_MAJOR] },
    ]);
    assert.equal(run(written()).status, 0);
  });

  it('runs no test under a hook that fails or carries nothing', () => {
    const idle = run([], '--import', join(folder, 'idle.mjs'));
    assert.equal(idle.status, 2, idle.text);
    assert.match(
      idle.text,
      /: the hook does not say that it carries a server and a connection: it says nothing\n$/,
    );
    const broken = run([], '--import', join(folder, 'broken.mjs'));
    assert.equal(broken.status, 2, broken.text);
    assert.match(broken.text, /a program under the hook ends with 1: [^]*Error: on purpose/);
  });

  it('takes part of the tests by group and by name, and leaves the other entries of the list alone', () => {
    const { status, text } = run([passing], '--only', 'http,tls', '--match', 'scratch', '--write');
    assert.equal(status, 0, text);
    assert.match(text, /, 2 tests$/m);
    assert.deepEqual(written(), [passing]);
  });

  it('reports the outcome of every test', () => {
    const file = join(folder, 'report.json');
    run([], '--report', file, '--only', 'net,http');
    const report = JSON.parse(readFileSync(file, 'utf8')) as {
      results: { test: string; outcome: string; failsAnyway?: boolean }[];
    };
    assert.deepEqual(
      report.results.map(({ test, outcome, failsAnyway }) => [test, outcome, failsAnyway]),
      [
        ['test-net-broken', 'fail', true],
        ['test-net-hooked', 'fail', undefined],
        ['test-net-passes', 'pass', undefined],
        ['test-http-needs', 'pass', undefined],
        ['test-http-skips', 'skip', undefined],
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
    const { text } = run([], '--only', 'http2', '--timeout', '1');
    rmSync(join(folder, 'test', 'parallel', 'test-http2-hangs.js'));
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
    refused(/--write: the list is of tests under the hook/, [], '--no-hook', '--write');
    refused(/test-net-hooked has no reason of one line/, [{ ...failing, reason: '' }]);
    refused(/test-net-hooked has a cause that is none of private, ours, flaky/, [{ ...failing, cause: 'x' }]);
    refused(/test-net-hooked on Node \d+ is listed twice/, [failing, failing]);
  });
});
