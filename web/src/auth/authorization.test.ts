import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAuthorization } from './authorization.js';

const paramsOf = (header: string): [string, string][] | undefined => {
  const params = parseAuthorization(header)?.params;
  return params === undefined ? undefined : [...params];
};

describe('the header Authorization', () => {
  it('has a scheme and a token', () => {
    assert.deepEqual(parseAuthorization('Basic  dTpw== '), {
      scheme: 'basic',
      token: 'dTpw==',
      params: undefined,
    });
  });

  it('has parameters with commas, quotes and backslashes in quotes, and spaces around', () => {
    assert.deepEqual(paramsOf('Digest a="x, \\"y\\" \\\\", B = z ,c=""'), [
      ['a', 'x, "y" \\'],
      ['b', 'z'],
      ['c', ''],
    ]);
  });

  for (const header of [
    'Digest a="x',
    'Digest a="x\\"',
    'Digest a=1, a=2',
    'Digest a=1, A=2',
    'Digest a=1 b=2',
    'Digest =1',
    'Digest a=1,,b=2',
    'Digest a="1"2',
    'Basic dTp w',
    'Basic',
    `Digest ${Array.from({ length: 33 }, (_, at) => `p${at}=1`).join(',')}`,
  ]) {
    it(`has nothing but a scheme if it is ${header.slice(0, 30)}`, () => {
      const { token, params } = parseAuthorization(header) ?? {};
      assert.deepEqual([token, params], [undefined, undefined]);
    });
  }

  it('is nothing without a scheme', () => {
    assert.equal(parseAuthorization(''), undefined);
    assert.equal(parseAuthorization('"a" b'), undefined);
  });
});
