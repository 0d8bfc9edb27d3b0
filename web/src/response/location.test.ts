import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { locationOf } from './location.js';

describe('the header Location', () => {
  it('has a URL as it is, but for what it cannot carry', () => {
    assert.equal(locationOf("https://a/%20?b=c&d='e'#f"), "https://a/%20?b=c&d='e'#f");
    assert.equal(locationOf('/a b/\u00e4/\u{1f600}'), '/a%20b/%C3%A4/%F0%9F%98%80');
  });

  it('has no control characters: a URL with one is refused', () => {
    for (const control of ['\r', '\n', '\t', '\0', '\u007f']) {
      assert.throws(() => locationOf(`/a${control}b`), TypeError);
    }
  });
});
