import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compacted, mergePatch } from './merge-patch.js';

describe('differences of figures', () => {
  it('of the same figures there is none', () => {
    const figures = { a: 1, b: [1, { c: 2 }], d: { e: 'x' } };
    assert.equal(mergePatch(figures, structuredClone(figures)), undefined);
  });

  it('name the members that changed, came and went, at any depth', () => {
    const before = { same: 1, changed: 1, gone: 1, inner: { same: true, changed: 'a', gone: {} } };
    const after = { same: 1, changed: 2, come: [3], inner: { same: true, changed: 'b' } };
    const patch = { changed: 2, come: [3], gone: null, inner: { changed: 'b', gone: null } };
    assert.deepEqual(mergePatch(before, after), patch);
  });

  it('replace a list that changed as a whole, and a value by an object', () => {
    assert.deepEqual(mergePatch({ list: [1, 2], value: 1 }, { list: [1], value: { a: 1 } }), {
      list: [1],
      value: { a: 1 },
    });
  });

  it('know no member of all objects', () => {
    assert.deepEqual(mergePatch({}, compacted({ constructor: 1 })), { constructor: 1 });
  });

  it('plain data keeps no member that is unknown, and no number that JSON cannot write', () => {
    const data = {
      known: 0,
      unknown: null,
      left: undefined,
      no: Number.NaN,
      list: [{ unknown: null }, null],
    };
    assert.deepEqual(compacted(data), { known: 0, list: [{}, null] });
  });
});
