import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseCoreList } from './cores.js';
import { kernelVersion } from './machine.js';
import { fileLimitsIn, withOpenFiles } from './open-files.js';
import { lineOf, valueIn } from './protocol.js';

describe('valueIn', () => {
  it('reads what lineOf wrote', () => assert.equal(valueIn(lineOf('port', 65535), 'port'), 65535));

  it('reads no number from anything else', () => {
    for (const line of ['', 'port', 'port x', 'port -1', 'port 1 2', 'heap 1', 'port 1.5']) {
      assert.equal(valueIn(line, 'port'), undefined);
    }
  });
});

describe('parseCoreList', () => {
  it('reads ranges and single cores', () => assert.deepEqual(parseCoreList('0-2,5\n'), [0, 1, 2, 5]));
  it('reads an empty list', () => assert.deepEqual(parseCoreList('\n'), []));
});

describe('kernelVersion', () => {
  it('leaves out a name of the kernel’s builder', () => {
    assert.equal(kernelVersion('6.1.0-21-some-name'), '6.1');
    assert.equal(kernelVersion('unknown'), 'of unknown version');
  });
});

describe('withOpenFiles', () => {
  const limits = { soft: 1000, hard: 5000 };

  it('reads the kernel’s table of limits', () => {
    const text =
      'Limit   Soft Limit   Hard Limit   Units\nMax open files            1024                 unlimited            files\n';
    assert.deepEqual(fileLimitsIn(text), { soft: 1024, hard: Number.POSITIVE_INFINITY });
  });

  it('leaves the command alone up to the soft limit', () => {
    assert.deepEqual(withOpenFiles(600, ['server'], limits), ['server']);
  });

  it('raises the soft limit alone up to the hard one, and both above it', () => {
    assert.deepEqual(withOpenFiles(601, ['server'], limits), ['prlimit', '--nofile=1001:', 'server']);
    assert.deepEqual(withOpenFiles(4600, ['server'], limits), ['prlimit', '--nofile=5000:', 'server']);
    assert.deepEqual(withOpenFiles(4601, ['server'], limits), ['prlimit', '--nofile=5001:5001', 'server']);
  });
});
