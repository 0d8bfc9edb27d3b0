import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Credentials } from './credentials.js';
import { isRightAnswer, readDigest } from './digest.js';

/** The example of RFC 7616 §3.9.1. */
const EXAMPLE: Readonly<Record<string, string>> = {
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  uri: '/dir/index.html',
  algorithm: 'MD5',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  nc: '00000001',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  qop: 'auth',
  response: '8ca523f5e9506fed4657c9700eebdbec',
  opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
};
const SHA256 = '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1';

const MUFASA = Credentials.ofPassword('Mufasa', 'Circle of Life', 'http-auth@example.org');

function isRight(
  changes: Record<string, string | undefined>,
  method = 'GET',
  target = '/dir/index.html',
): boolean {
  const params = new Map<string, string>();
  for (const [name, value] of Object.entries({ ...EXAMPLE, ...changes })) {
    if (value !== undefined) params.set(name, value);
  }
  const answer = readDigest(params);
  return answer !== undefined && isRightAnswer(answer, MUFASA, method, target);
}

describe('an answer to a digest challenge', () => {
  it('is right in the examples of RFC 7616 §3.9.1', () => {
    assert.equal(isRight({}), true);
    assert.equal(isRight({ algorithm: 'SHA-256', response: SHA256 }), true);
    assert.equal(isRight({ algorithm: undefined }), true, 'MD5 is the default');
  });

  it('may have its name encoded, but not twice', () => {
    const encoded = "UTF-8''%4Dufasa";
    assert.equal(isRight({ username: undefined, 'username*': encoded }), true);
    assert.equal(isRight({ 'username*': encoded }), false);
    assert.equal(isRight({ username: undefined, 'username*': "UTF-8''%4" }), false);
    assert.equal(isRight({ username: undefined, 'username*': "latin1''Mufasa" }), false);
  });

  it('is wrong for another method, target, realm, name, algorithm or password', () => {
    assert.equal(isRight({}, 'POST'), false);
    assert.equal(isRight({}, 'GET', '/dir/index.html?'), false);
    assert.equal(isRight({ uri: '/other' }), false);
    assert.equal(isRight({ uri: '/other' }, 'GET', '/other'), false);
    for (const change of [
      { realm: 'other' },
      { username: 'mufasa' },
      { response: SHA256 },
      { response: '' },
      { response: '8CA523F5E9506FED4657C9700EEBDBEC' },
      { algorithm: 'SHA-256' },
      { algorithm: 'MD5-sess' },
      { algorithm: 'SHA-512-256' },
    ]) {
      assert.equal(isRight(change), false, JSON.stringify(change));
    }
  });

  it('is wrong without one of its parts, without qop, and with a count that is none', () => {
    for (const name of Object.keys(EXAMPLE).filter((name) => name !== 'algorithm')) {
      assert.equal(isRight({ [name]: undefined }), false, name);
    }
    for (const nc of ['00000000', '1', '0000000g', '000000001']) assert.equal(isRight({ nc }), false, nc);
    assert.equal(isRight({ qop: 'auth-int' }), false);
    assert.equal(isRight({ userhash: 'true' }), false);
    assert.equal(isRight({ userhash: 'false' }), true);
  });

  it('is wrong for a hash whose algorithm is not known', () => {
    const md5Only = Credentials.ofHash('Mufasa', MUFASA.hash('MD5') ?? '', 'http-auth@example.org');
    const answer = readDigest(
      new Map(Object.entries({ ...EXAMPLE, algorithm: 'SHA-256', response: SHA256 })),
    );
    assert.ok(answer);
    assert.equal(isRightAnswer(answer, md5Only, 'GET', '/dir/index.html'), false);
  });
});
