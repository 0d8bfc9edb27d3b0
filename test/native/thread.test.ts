/** Thread control by the addon, against what the kernel's files say of the thread. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { beNicer, pin, refusal, rename } from './measurements.js';
import { requireAddon, unlessAddonLoads } from './require-addon.js';
import { inWorker } from './worker.js';

const STACK_MB = 4;

const EINVAL_AFFINITY = {
  kind: 'Error',
  code: 'EINVAL',
  errno: -22,
  syscall: 'sched_setaffinity',
  message: 'EINVAL: invalid argument, sched_setaffinity',
};

describe('thread control', { skip: unlessAddonLoads() }, () => {
  for (const [place, pinThere] of [
    ['the main thread', pin],
    ['a Worker', () => inWorker(STACK_MB, 'pin')],
  ] as const) {
    it(`pins ${place} to a core and back`, async () => {
      const { free, pinned, freed } = await pinThere();
      assert.ok(free.addon.length > 0);
      assert.deepEqual(free.addon, free.kernel);
      assert.deepEqual(pinned.addon, free.addon.slice(-1));
      assert.deepEqual(pinned.addon, pinned.kernel);
      assert.deepEqual(freed, free);
    });
  }

  it('changes the nice value of the calling thread only', async () => {
    const before = requireAddon().nice();
    const worker = await inWorker(STACK_MB, 'beNicer');
    assert.deepEqual(worker.before, { addon: before, kernel: before });
    assert.deepEqual(worker.after, { addon: before + 1, kernel: before + 1 });
    assert.equal(requireAddon().nice(), before);

    const main = beNicer();
    assert.deepEqual(main.after, { addon: before + 1, kernel: before + 1 });
  });

  it('names a thread by at most 15 bytes and whole characters', async () => {
    assert.equal(rename('async_tcp'), 'async_tcp');
    assert.equal(rename('exactly fifteen and more'), 'exactly fifteen');
    assert.equal(rename('fourteen bytesü'), 'fourteen bytes');
    assert.equal(rename(''), '');
    assert.equal(await inWorker(STACK_MB, 'rename', 'in a Worker'), 'in a Worker');
  });

  it('refuses cores that the machine does not have, and then changes nothing', () => {
    const addon = requireAddon();
    const free = addon.affinity();
    for (const core of [1023, 1024, 2 ** 20, 2 ** 40, -1]) {
      assert.deepEqual(
        refusal(() => addon.setAffinity([core])),
        EINVAL_AFFINITY,
      );
      assert.deepEqual(
        refusal(() => addon.setAffinity([...free, core])),
        EINVAL_AFFINITY,
      );
    }
    assert.deepEqual(
      refusal(() => addon.setAffinity([])),
      EINVAL_AFFINITY,
    );
    assert.deepEqual(addon.affinity(), free);
  });

  it('refuses nice values that do not exist', () => {
    for (const value of [-21, 20, 2 ** 40, -(2 ** 40)]) {
      assert.deepEqual(
        refusal(() => requireAddon().setNice(value)),
        {
          kind: 'Error',
          code: 'EINVAL',
          errno: -22,
          syscall: 'setpriority',
          message: 'EINVAL: invalid argument, setpriority',
        },
      );
    }
  });

  it('says what right is missing for a lower nice value', () => {
    const loader = new URL('../../../dist/addon/load-addon.js', import.meta.url);
    const program = `
      import { loadAddon } from ${JSON.stringify(loader.href)};
      const { addon } = loadAddon();
      if (process.getuid() === 0) process.setuid(65534);
      try {
        addon.setNice(addon.nice() - 1);
      } catch ({ message, code, errno, syscall }) {
        console.log(JSON.stringify({ message, code, errno, syscall }));
      }`;
    // From a folder that everybody may enter: the module loader asks for it.
    const words = ['--input-type=module', '--eval', program];
    const output = execFileSync(process.execPath, words, { encoding: 'utf8' });
    assert.deepEqual(JSON.parse(output), {
      message: 'EACCES: permission denied, setpriority',
      code: 'EACCES',
      errno: -13,
      syscall: 'setpriority',
    });
  });

  it('throws a TypeError for an argument of the wrong type', () => {
    const addon = requireAddon();
    // As JavaScript may call it.
    const { setName, setAffinity, setNice, watchStack } = addon as unknown as Record<
      'setName' | 'setAffinity' | 'setNice' | 'watchStack',
      (value?: unknown) => void
    >;
    const wrong: [string, (value?: unknown) => void, unknown[]][] = [
      ['name must be a string', setName, [undefined, 1, null, {}, ['a'], Symbol('a')]],
      ['name must not contain NUL', setName, ['a\0b', '\0']],
      ['cores must be an array', setAffinity, [undefined, 0, '0', { 0: 0, length: 1 }, new Uint32Array(1)]],
      [
        'cores must be integers',
        setAffinity,
        [['0'], [0.5], [NaN], [Infinity], [0n], [undefined], [0, null]],
      ],
      ['cores must not be more than there can be', setAffinity, [new Array(2 ** 20 + 1)]],
      ['nice must be an integer', setNice, [undefined, '1', 0.5, NaN, -Infinity, 1n, {}]],
      ['bytes must be a positive integer', watchStack, [undefined, '1', 0, -1, 1.5, NaN, Infinity, 1n]],
    ];
    for (const [message, call, values] of wrong) {
      for (const value of values) {
        assert.deepEqual(
          refusal(() => {
            call(value);
          }),
          { kind: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message },
        );
      }
    }
  });

  it('passes on what an element of the array throws', () => {
    const cores = Object.defineProperty([0, 0], 1, {
      get: () => {
        throw new RangeError('thrown by a getter');
      },
    });
    assert.throws(() => requireAddon().setAffinity(cores), /^RangeError: thrown by a getter$/);
  });

  it('has the process number as the number of the main thread', async () => {
    assert.equal(requireAddon().threadId(), process.pid);
    assert.match(await inWorker(STACK_MB, 'rename', 'x'), /^x$/);
  });
});
