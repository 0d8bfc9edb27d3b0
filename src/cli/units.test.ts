import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bytesText, countText } from './units.js';

it('bytes are written with three digits and a decimal unit', () => {
  const texts = [0, 1, 999, 999.6, 1000, 1234, 999_499, 999_500, 20_000_000, 3e15, 5e18].map(bytesText);
  assert.deepEqual(texts, [
    '0 B',
    '1 B',
    '999 B',
    '1.00 kB',
    '1.00 kB',
    '1.23 kB',
    '999 kB',
    '1.00 MB',
    '20.0 MB',
    '3.00 PB',
    '5.00e+3 PB',
  ]);
});

it('one is singular', () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => countText(count, 'connection')),
    ['0 connections', '1 connection', '2 connections'],
  );
});
