import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FileCache } from './file-cache.js';
import { MemoryFile } from './web-file.js';

function file(bytes: number): MemoryFile {
  return new MemoryFile({ path: '/x', version: '1' }, Buffer.alloc(bytes), [], true);
}

describe('the cache of a folder', () => {
  it('forgets what was used least recently, beyond its bytes', () => {
    const cache = new FileCache(30_000, 1000, () => 0);
    for (const path of ['a', 'b']) cache.set(path, file(12_000));
    assert.ok(cache.get('a') instanceof MemoryFile);
    cache.set('c', file(12_000));
    assert.equal(cache.get('b'), undefined);
    assert.ok(cache.get('a') instanceof MemoryFile);
    assert.ok(cache.get('c') instanceof MemoryFile);
    assert.ok(cache.bytes <= 30_000);
  });

  it('keeps a file of all its bytes, and none of one more', () => {
    const cost = new FileCache(10_000, 1000, () => 0);
    cost.set('a', file(1000));
    const cache = new FileCache(cost.bytes, 1000, () => 0);
    cache.set('a', file(1000));
    assert.ok(cache.get('a') instanceof MemoryFile);
    cache.set('a', file(1001));
    assert.deepEqual([cache.get('a'), cache.bytes], [undefined, 0]);
  });

  it('counts paths without a file, so that requests for them fill no memory', () => {
    const cache = new FileCache(100_000, 1000, () => 0);
    for (let at = 0; at < 10_000; at += 1) cache.set(`/none/${at}`, 'absent');
    assert.equal(cache.get('/none/9999'), 'absent');
    assert.equal(cache.get('/none/0'), undefined);
    assert.ok(cache.bytes <= 100_000);
  });

  it('has to look at a file again when its time is over', () => {
    let now = 0;
    const cache = new FileCache(10_000, 1000, () => now);
    cache.set('a', 'folder');
    now = 999;
    assert.equal(cache.get('a'), 'folder');
    now = 1000;
    assert.equal(cache.get('a'), undefined);
    assert.equal(cache.last('a'), 'folder');
  });
});
