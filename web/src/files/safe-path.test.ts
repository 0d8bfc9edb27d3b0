import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { namesOf } from './safe-path.js';

/** Path, and its names; `undefined`: it is never looked for. */
const TABLE: readonly [path: string, names: readonly string[] | undefined][] = [
  ['', []],
  ['/', []],
  ['a', ['a']],
  ['/a/b.txt', ['a', 'b.txt']],
  ['/ä %2e/x', ['ä %2e', 'x']],
  ['//a', undefined],
  ['/a//b', undefined],
  ['/a/', undefined],
  ['..', undefined],
  ['/../a', undefined],
  ['/a/../b', undefined],
  ['/./a', undefined],
  ['/a/.', undefined],
  ['/...', undefined],
  ['/a\\..\\b', undefined],
  ['/a\0.txt', undefined],
  ['/a\n', undefined],
  ['/\ud800', undefined],
  ['/.env', undefined],
  ['/.git/config', undefined],
  ['/a.', undefined],
  ['/a ', undefined],
  ['/con', undefined],
  ['/x/NUL.txt', undefined],
  ['/com1', undefined],
  ['/LPT9.log', undefined],
  ['/console', ['console']],
  ['/com10', ['com10']],
];

describe('a path below a folder', () => {
  for (const [path, names] of TABLE) {
    it(`${JSON.stringify(path)} is ${names === undefined ? 'refused' : JSON.stringify(names)}`, () => {
      assert.deepEqual(namesOf(path, false, 'linux'), names);
    });
  }

  it('has names that begin with a dot only if they are allowed', () => {
    assert.deepEqual(namesOf('/.well-known/x', true), ['.well-known', 'x']);
    assert.equal(namesOf('/..', true), undefined);
    assert.equal(namesOf('/.', true), undefined);
  });

  it('has no drive and no stream on Windows', () => {
    assert.equal(namesOf('/c:/x', false, 'win32'), undefined);
    assert.equal(namesOf('/a.txt::$DATA', false, 'win32'), undefined);
    assert.deepEqual(namesOf('/12:30.txt', false, 'linux'), ['12:30.txt']);
  });
});
