import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatEvent } from './format.js';

describe('an event', () => {
  it('has its fields on lines, and an empty line behind them', () => {
    const bytes = formatEvent({ message: 'on', event: 'led', id: 'a 1', reconnect: 2000 });
    assert.equal(bytes.toString(), 'retry: 2000\nid: a 1\nevent: led\ndata: on\n\n');
  });

  it('has a line of data for each line of the message, whatever breaks them', () => {
    const bytes = formatEvent({ message: 'a\nb\rc\r\nd\n\n' });
    assert.equal(bytes.toString(), 'data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: \n\n');
  });

  it('may have no data, or empty data', () => {
    assert.equal(formatEvent({ id: '' }).toString(), 'id: \n\n');
    assert.equal(formatEvent({ message: '' }).toString(), 'data: \n\n');
  });

  it('is refused with a line break in its id or type, which would begin another field', () => {
    for (const bad of ['a\nb', 'a\rb', '\r\n']) {
      assert.throws(() => formatEvent({ id: bad }), /id must have no line break/);
      assert.throws(() => formatEvent({ event: bad }), /event must have no line break/);
    }
    assert.throws(() => formatEvent({ id: 'a\0' }), /NUL/);
  });

  it('is refused with a time that clients do not read', () => {
    for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => formatEvent({ reconnect: bad }), RangeError);
    }
  });
});
