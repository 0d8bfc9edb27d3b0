import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytesText, countText, durationText, endpointText } from './words.js';

describe('figures in words', () => {
  it('durations have their largest unit', () => {
    const texts = [-5, 0, 999, 42_400, 60_000, 599_000, 5_400_000, 40_000_000, 200_000_000].map(durationText);
    assert.deepEqual(texts, ['0 s', '0 s', '0 s', '42 s', '1 min', '9 min', '1.5 h', '11 h', '2.3 d']);
  });

  it('bytes have three digits', () => {
    const texts = [0, 999, 1000, 65_536, 99_960, 999_499, 999_500, 4_194_304, 2e15].map(bytesText);
    const wanted = [
      '0 B',
      '999 B',
      '1.00 kB',
      '65.5 kB',
      '100 kB',
      '999 kB',
      '1.00 MB',
      '4.19 MB',
      '2000 TB',
    ];
    assert.deepEqual(texts, wanted);
  });

  it('counts have their noun, and addresses their port', () => {
    assert.deepEqual([countText(1, 'time'), countText(0, 'time')], ['1 time', '0 times']);
    assert.deepEqual([endpointText('::1', 80), endpointText('10.0.0.1', 80)], ['[::1]:80', '10.0.0.1:80']);
  });
});
