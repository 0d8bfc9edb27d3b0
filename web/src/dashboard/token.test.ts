import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TOKEN_CHARS } from './bounds.js';
import { Token } from './token.js';

const PORT = 7080;
const TEXT = 'x'.repeat(TOKEN_CHARS);

function cookieOf(token: Token): string {
  return token.cookie('/', false, PORT).split(';')[0] ?? '';
}

describe('the token of a dashboard', () => {
  it('is another one each time that it is made at random', () => {
    assert.notEqual(new Token().text, new Token().text);
    assert.ok(new Token().text.length >= 32);
  });

  it('must be long enough, and fit a header', () => {
    assert.doesNotThrow(() => new Token(TEXT));
    for (const text of [TEXT.slice(1), `${TEXT} `, `${TEXT}\n`, `${TEXT}ü`, ''])
      assert.throws(() => new Token(text), RangeError, text);
  });

  it('is known by the header Authorization, and no other text is', () => {
    const token = new Token(TEXT);
    assert.ok(token.isIn(`Bearer ${TEXT}`, '', PORT));
    assert.ok(token.isIn(`bearer  ${TEXT}`, '', PORT));
    for (const wrong of [`Bearer ${TEXT}x`, `Bearer ${TEXT.slice(1)}`, 'Bearer ', `Basic ${TEXT}`, TEXT, ''])
      assert.equal(token.isIn(wrong, '', PORT), false, wrong);
  });

  it('is known by its cookie among others, which does not contain it', () => {
    const token = new Token(TEXT);
    const cookie = cookieOf(token);
    assert.ok(token.isIn('', `a=b; ${cookie}; c=d`, PORT));
    assert.equal(cookie.includes(TEXT), false);
    assert.equal(token.isIn('', `x${cookie}`, PORT), false);
    assert.equal(token.isIn('', `${cookie}x`, PORT), false);
    assert.equal(token.isIn('', cookie, PORT + 1), false, 'that of another port');
    assert.equal(new Token().isIn('', cookie, PORT), false);
  });

  it('has a cookie that no script and no other site uses', () => {
    assert.match(
      new Token().cookie('/dash/', true, PORT),
      /; Path=\/dash\/; HttpOnly; SameSite=Strict; Secure$/,
    );
    assert.match(new Token().cookie('/', false, PORT), /; Path=\/; HttpOnly; SameSite=Strict$/);
  });
});
