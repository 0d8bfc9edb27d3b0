import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReplayRing } from './replay-ring.js';

function ring(mostEvents: number, mostBytes: number, ids: string): ReplayRing {
  const made = new ReplayRing(mostEvents, mostBytes);
  for (const id of ids) made.add(id, Buffer.from(`${id}.`));
  return made;
}

function missed(of: ReplayRing, id: string | undefined): [string, boolean] {
  const { data, isGap } = of.after(id);
  return [data.toString(), isGap];
}

describe('a replay ring', () => {
  it('gives what came after an event, in order', () => {
    const kept = ring(10, 100, 'abcd');
    assert.deepEqual(missed(kept, 'b'), ['c.d.', false]);
    assert.deepEqual(missed(kept, 'd'), ['', false]);
  });

  it('gives nothing to a client that has had no event', () => {
    assert.deepEqual(missed(ring(10, 100, 'ab'), undefined), ['', false]);
  });

  it('gives everything to a client whose event is forgotten, and says so', () => {
    assert.deepEqual(missed(ring(2, 100, 'abc'), 'a'), ['b.c.', true]);
  });

  it('keeps as many events as its limit, and forgets the oldest beyond it', () => {
    assert.deepEqual(missed(ring(3, 100, 'abcd'), 'b'), ['c.d.', false]);
    assert.equal(ring(3, 100, 'abcd').length, 3);
  });

  it('keeps as many bytes as its limit, and forgets the oldest beyond it', () => {
    assert.equal(ring(10, 6, 'abc').bytes, 6);
    assert.deepEqual(missed(ring(10, 5, 'abc'), 'a'), ['b.c.', true]);
    assert.equal(ring(10, 1, 'abc').bytes, 0);
  });

  it('takes the last event of an id that was used twice', () => {
    assert.deepEqual(missed(ring(10, 100, 'abac'), 'a'), ['c.', false]);
  });
});
