import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseOptions } from './options.js';
import { UsageError } from './usage-error.js';

function parsed(...args: string[]) {
  const options = parseOptions(args);
  assert.ok(options !== undefined);
  return options;
}

const workloads = (...args: string[]): string[] => parsed(...args).workloads.map(({ name }) => name);
const contestants = (...args: string[]): string[] => parsed(...args).contestants.map(({ name }) => name);

describe('parseOptions', () => {
  it('without options runs everything and saves it', () => {
    assert.equal(parsed().save, 'latest');
    assert.ok(workloads().includes('idle-10000'));
    assert.equal(contestants()[0], 'c-epoll');
  });

  it('saves nothing of what is only a part, unless it is given a name', () => {
    const parts = [
      ['--quick'],
      ['--only', 'bulk'],
      ['--contestants', 'c-epoll,deno'],
      ['--self'],
      ['--onack'],
    ];
    for (const part of parts) assert.equal(parsed(...part).save, undefined);
    assert.equal(parsed('--quick', '--save', 'mine').save, 'mine');
  });

  it('takes no path for a name', () => {
    assert.throws(() => parseOptions(['--save', '../mine']), UsageError);
  });

  it('--quick leaves the long workloads out, but not those that --only names', () => {
    assert.ok(!workloads('--quick').includes('idle-10000'));
    assert.deepEqual(workloads('--quick', '--only', 'idle-10000'), ['idle-10000']);
  });

  it('keeps the order of the comparison, which has the reference first', () => {
    assert.deepEqual(contestants('--contestants', 'deno, c-epoll'), ['c-epoll', 'deno']);
  });

  it('--onack and --watchdog pair each stack with itself', () => {
    for (const option of ['--onack', '--watchdog']) {
      const pairs = parsed(option).contestants;
      for (let i = 0; i < pairs.length; i += 2) {
        assert.equal(pairs[i]?.reference, pairs[i]?.name);
        assert.equal(pairs[i + 1]?.reference, pairs[i]?.name);
      }
    }
    assert.deepEqual(workloads('--onack'), ['echo-64B-50c']);
  });

  it('--web has workloads, contestants and results of its own', () => {
    assert.deepEqual(contestants('--web'), ['node', 'hook', 'explicit', 'bun']);
    assert.ok(workloads('--web').includes('fastify-50c'));
    assert.ok(!workloads('--web').includes('echo-64B-50c'));
    assert.equal(parsed('--web').save, 'web');
    assert.equal(parsed('--web', '--quick').save, undefined);
    assert.ok(parsed('--web').timing.firstWarmupMs > parsed().timing.firstWarmupMs);
  });

  it('--rounds holds for the idle connections too, and has a limit at both ends', () => {
    const { rounds, idleRounds } = parsed('--rounds', '3');
    assert.deepEqual([rounds, idleRounds, parsed('--rounds', '100').rounds], [3, 3, 100]);
    for (const text of ['2', '101', '3.5', 'many', '']) {
      assert.throws(() => parseOptions(['--rounds', text]), UsageError);
    }
  });

  it('says what it does not know', () => {
    assert.throws(() => parseOptions(['--contestants', 'c-epoll,nobody']), /'nobody' is none of c-epoll/);
    assert.throws(() => parseOptions(['--only', 'nothing']), /no workload's name contains 'nothing'/);
    assert.throws(() => parseOptions(['--self', '--onack']), /--self and --onack exclude each other/);
    assert.throws(() => parseOptions(['--loud']), UsageError);
  });

  it('answers a request for help with nothing to run', () =>
    assert.equal(parseOptions(['--help']), undefined));
});
