import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorText, headerText, targetText } from './log-text.js';

describe('text of clients in a log', () => {
  it('has no control characters, and none that a terminal would obey', () => {
    assert.equal(headerText('X-A', 'a\r\n\u001b[31m\u009bb'), 'X-A: a\\u000d\\u000a\\u001b[31m\\u009bb');
    assert.equal(targetText('/\u00e4'), '/\\u00e4');
  });

  it('looks like no line of the log in an error, whose stack stays', () => {
    const text = 'Error: bad äöü\r\nforged line\u001b[2J\u2028\n    at place';
    const shown = 'Error: bad äöü\\u{d}\n    forged line\\u{1b}[2J\\u{2028}\n    at place';
    assert.equal(errorText(text), shown);
  });

  it('has no passwords, tokens and cookies', () => {
    for (const name of [
      'Authorization',
      'proxy-authorization',
      'Cookie',
      'Set-Cookie',
      'X-Api-Key',
      'X-Token',
    ]) {
      assert.equal(headerText(name, 'secret'), `${name}: ***`);
    }
    assert.equal(
      targetText('/a?x=1&access_token=abc&password=p=q&y'),
      '/a?x=1&access_token=***&password=***&y',
    );
    assert.equal(targetText('/a?x?token=abc&z=1'), '/a?x?token=***&z=1');
    assert.equal(targetText('http://user:pass@host/a'), 'http://***@host/a');
    assert.equal(headerText('Referer', 'http://h/?token=abc'), 'Referer: http://h/?token=***');
  });
});
