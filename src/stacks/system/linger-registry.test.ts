import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LingerEntry, LingerRegistry, STALLED_MS } from './linger-registry.js';
import { MAX_LINGERING } from './lingering.js';

/** A registry, its time, and the names of the connections that were evicted. */
class Scene {
  nowMs = 0;
  readonly evicted: string[] = [];
  readonly registry: LingerRegistry;

  constructor(maxCount?: number, maxBytes?: number) {
    this.registry = new LingerRegistry({ nowMs: () => this.nowMs }, maxCount, maxBytes);
  }

  entry(name: string): LingerEntry {
    return new LingerEntry({ evict: () => this.evicted.push(name) });
  }

  add(name: string, bytes = 0): LingerEntry {
    const entry = this.entry(name);
    this.registry.add(entry, bytes);
    return entry;
  }
}

describe('the number of closed connections', () => {
  it(`is ${MAX_LINGERING} at most; one more, and the oldest is evicted`, () => {
    const scene = new Scene();
    for (let index = 0; index < MAX_LINGERING; index += 1) scene.add(`${index}`);
    assert.deepEqual([scene.registry.size, scene.evicted], [MAX_LINGERING, []]);
    scene.add('one more');
    assert.deepEqual([scene.registry.size, scene.evicted], [MAX_LINGERING, ['0']]);
  });

  it('never cuts the one that progressed last', () => {
    const scene = new Scene(2);
    const slow = scene.add('slow');
    for (let index = 0; index < 100; index += 1) {
      scene.add(`${index}`);
      scene.registry.progressed(slow);
    }
    assert.ok(!scene.evicted.includes('slow'));
    assert.equal(scene.evicted.length, 99);
  });

  it('falls when one is done, and being done twice changes nothing', () => {
    const scene = new Scene(2);
    const first = scene.add('first');
    scene.add('second');
    scene.registry.remove(first);
    scene.registry.remove(first);
    assert.equal(scene.registry.size, 1);
    scene.add('third');
    assert.deepEqual([scene.registry.size, scene.evicted], [2, []]);
    scene.registry.add(first);
    assert.deepEqual([scene.registry.size, scene.evicted], [2, ['second']]);
  });
});

describe('the bytes of closed connections', () => {
  it('are bounded all together, to the last byte', () => {
    const scene = new Scene(10, 100);
    scene.add('a', 60);
    scene.add('b', 40);
    assert.deepEqual([scene.registry.bytes, scene.evicted], [100, []]);
    scene.add('c', 1);
    assert.deepEqual([scene.registry.bytes, scene.evicted], [41, ['a']]);
  });

  it('make as many go as it takes, and one alone that is too large', () => {
    const scene = new Scene(10, 100);
    for (const name of ['a', 'b', 'c']) scene.add(name, 30);
    scene.add('d', 95);
    assert.deepEqual([scene.registry.bytes, scene.evicted], [95, ['a', 'b', 'c']]);
    scene.add('e', 101);
    assert.deepEqual([scene.registry.bytes, scene.registry.size], [0, 0]);
    assert.deepEqual(scene.evicted, ['a', 'b', 'c', 'd', 'e']);
  });

  it('are those of the last progress', () => {
    const scene = new Scene(10, 100);
    const entry = scene.add('a', 100);
    scene.registry.progressed(entry, 10);
    scene.add('b', 90);
    assert.deepEqual([scene.registry.bytes, scene.evicted], [100, []]);
    scene.registry.remove(entry);
    assert.equal(scene.registry.bytes, 90);
  });
});

describe('an entry', () => {
  it('knows when it progressed last', () => {
    const scene = new Scene();
    scene.nowMs = 7;
    const entry = scene.add('a');
    assert.equal(entry.progressMs, 7);
    scene.nowMs = 9;
    scene.registry.progressed(entry, 1);
    assert.equal(entry.progressMs, 9);
  });

  it('whose owner takes itself out when it is evicted, and others with it, does no harm', () => {
    const { registry } = new Scene(2);
    const evicted: string[] = [];
    const second = new LingerEntry({ evict: () => evicted.push('second') });
    const first = new LingerEntry({
      evict: () => {
        evicted.push('first');
        registry.remove(first);
        registry.remove(second);
      },
    });
    for (const entry of [first, second]) registry.add(entry);
    registry.add(new LingerEntry({ evict: () => evicted.push('third') }));
    assert.deepEqual([registry.size, evicted], [1, ['first']]);
  });
});

describe('a connection that wants a descriptor', () => {
  it('has the one that has gone longest without progress evicted, if that is stalled', () => {
    const scene = new Scene();
    assert.equal(scene.registry.evictStalled(), false);
    const first = scene.add('first');
    scene.nowMs = 1;
    scene.add('second');
    scene.nowMs = STALLED_MS - 1;
    assert.equal(scene.registry.evictStalled(), false);
    scene.nowMs = STALLED_MS;
    scene.registry.progressed(first);
    assert.equal(scene.registry.evictStalled(), false);
    scene.nowMs = STALLED_MS + 1;
    assert.equal(scene.registry.evictStalled(), true);
    assert.deepEqual([scene.evicted, scene.registry.size], [['second'], 1]);
  });
});

describe('the registry', () => {
  it('does what a list that is sorted anew each time does', () => {
    const step = fc.record({
      what: fc.constantFrom('add', 'progressed', 'remove'),
      who: fc.nat(7),
      bytes: fc.nat(50),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const scene = new Scene(4, 100);
        const entries = Array.from({ length: 8 }, (_, who) => scene.entry(`${who}`));
        let model: { who: number; bytes: number }[] = [];
        const evicted: string[] = [];
        for (const { what, who, bytes } of steps) {
          const entry = entries[who];
          const isIn = model.some((one) => one.who === who);
          if (entry === undefined || (what === 'add' ? isIn : !isIn)) continue;
          model = model.filter((one) => one.who !== who);
          if (what === 'add') scene.registry.add(entry, bytes);
          else if (what === 'progressed') scene.registry.progressed(entry, bytes);
          else scene.registry.remove(entry);
          if (what !== 'remove') model.push({ who, bytes });
          const sum = (): number => model.reduce((total, one) => total + one.bytes, 0);
          while (model.length > 4 || sum() > 100) evicted.push(`${model.shift()?.who}`);
          assert.deepEqual([scene.registry.size, scene.registry.bytes], [model.length, sum()]);
          assert.deepEqual(scene.evicted, evicted);
        }
      }),
    );
  });
});
