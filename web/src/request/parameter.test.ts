import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { baseNameOf } from './parameter.js';

describe('the base name of a file that a client names', () => {
  const names: readonly [filename: string, base: string][] = [
    ['a.txt', 'a.txt'],
    ['/etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['C:\\fakepath\\a.txt', 'a.txt'],
    ['a/b\\c', 'c'],
    ['..', ''],
    ['a/..', ''],
    ['.', ''],
    ['a/', ''],
    ['a\0.txt', ''],
    ['a\nb', ''],
    ['', ''],
    ['..a', '..a'],
  ];
  it('names no other folder', () => {
    for (const [filename, base] of names) assert.equal(baseNameOf(filename), base, filename);
  });
});
