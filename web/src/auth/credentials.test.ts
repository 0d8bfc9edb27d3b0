import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Credentials, generateDigestHash } from './credentials.js';

const MD5 = '939e7578ed9e3c518a452acee763bce9';

describe('credentials', () => {
  it('have the MD5 of RFC 2617 §3.5', () => {
    const mufasa = Credentials.ofPassword('Mufasa', 'Circle Of Life', 'testrealm@host.com');
    assert.equal(mufasa.hash('MD5'), MD5);
  });

  it('are the same from a password, from its hash and from a line', () => {
    const hash = generateDigestHash('ü', 'pä:ß', 'a realm');
    for (const credentials of [
      Credentials.ofPassword('ü', 'pä:ß', 'a realm'),
      Credentials.ofHash('ü', hash.toUpperCase(), 'a realm'),
      Credentials.ofLine(`ü:a realm:${hash}`),
    ]) {
      assert.equal(credentials.toHash(), hash);
      assert.equal(credentials.isPair(Buffer.from('ü:pä:ß')), true);
      assert.equal(credentials.isPair(Buffer.from('ü:pä:ß', 'latin1')), false);
      assert.equal(credentials.isPair(Buffer.from('ü:pä:')), false);
      assert.equal(credentials.isPair(Buffer.from('u:pä:ß')), false);
      assert.equal(credentials.isPair(Buffer.from('ü')), false);
    }
  });

  it('take a line of htdigest, whose realm may have colons, and offer its algorithm only', () => {
    const credentials = Credentials.ofLine(`Mufasa:a:b:${MD5}`);
    assert.deepEqual([credentials.username, credentials.realm], ['Mufasa', 'a:b']);
    assert.deepEqual(credentials.algorithms(), ['MD5']);
  });

  it('refuse what no header can carry, and a hash that is none', () => {
    for (const name of ['', 'a:b', 'a\nb']) {
      assert.throws(() => Credentials.ofPassword(name, 'p', 'r'), RangeError);
    }
    assert.throws(() => Credentials.ofPassword('u', 'p', 'r\r\nX: y'), RangeError);
    for (const hash of ['', 'secret', MD5.slice(1), `${MD5}:`, `${MD5.slice(1)}g`]) {
      assert.throws(() => Credentials.ofHash('u', hash, 'r'), RangeError);
    }
    assert.throws(() => Credentials.ofLine(`u:${MD5}`), RangeError);
  });
});
