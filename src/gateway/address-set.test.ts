import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AddressSet, MOST_BLOCKS } from './address-set.js';

function has(blocks: readonly string[], address: string): boolean {
  return new AddressSet('trusted', blocks).has(address);
}

describe('a set of addresses', () => {
  const CASES: readonly [blocks: string[], inside: string[], outside: string[]][] = [
    [
      ['10.0.0.0/8'],
      ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'],
      ['9.255.255.255', '11.0.0.0', '::a00:1'],
    ],
    [['192.0.2.1'], ['192.0.2.1'], ['192.0.2.0', '192.0.2.2', '::192.0.2.1']],
    [['192.0.2.128/25'], ['192.0.2.128', '192.0.2.255'], ['192.0.2.127']],
    [['192.0.2.1/32'], ['192.0.2.1'], ['192.0.2.0']],
    [['0.0.0.0/0'], ['255.255.255.255', '0.0.0.0'], ['::1']],
    [['::1'], ['::1', '0:0:0:0:0:0:0:1'], ['::', '::2', '127.0.0.1']],
    [['2001:db8::/33'], ['2001:db8:7fff::1'], ['2001:db8:8000::', '2001:db9::']],
    [['fe80::/10'], ['fe80::1%eth0', 'febf::1'], ['fec0::1']],
    [['::/0'], ['2001:db8::1'], ['192.0.2.1', '::ffff:192.0.2.1']],
    [['::ffff:192.0.2.1'], ['192.0.2.1'], ['192.0.2.2']],
    [
      ['10.0.0.0/8', '::1'],
      ['10.1.1.1', '::1'],
      ['::2', 'localhost', ''],
    ],
  ];
  for (const [blocks, inside, outside] of CASES) {
    it(`of ${blocks.join(' and ')} has its addresses and no others`, () => {
      for (const address of inside) assert.equal(has(blocks, address), true, address);
      for (const address of outside) assert.equal(has(blocks, address), false, address);
    });
  }

  const WRONG: readonly [blocks: unknown, error: string][] = [
    [undefined, 'TypeError: trusted must be an array of addresses and blocks, not undefined'],
    ['::1', 'TypeError: trusted must be an array of addresses and blocks, not "::1"'],
    [[], 'RangeError: trusted must have 1 to 1024 entries, not 0'],
    [new Array(MOST_BLOCKS + 1).fill('::1'), 'RangeError: trusted must have 1 to 1024 entries, not 1025'],
    [[5], 'TypeError: trusted[0] must be an IP address or a block such as "10.0.0.0/8", not 5'],
    ...['localhost', '', '10.0.0.0/8/8', '10.0/8', '/8', '::ffff:10.0.0.0/104', 'fe80::1%eth0', '::1%'].map(
      (block): [unknown, string] => [
        ['::1', block],
        `RangeError: trusted[1] must be an IP address or a block such as "10.0.0.0/8", not "${block}"`,
      ],
    ),
    ...['/33', '/-1', '/08', '/', '/1.5'].map((prefix): [unknown, string] => [
      [`0.0.0.0${prefix}`],
      `RangeError: trusted[0] must have a prefix of 0 to 32 bits, not "0.0.0.0${prefix}"`,
    ]),
    [['::/129'], 'RangeError: trusted[0] must have a prefix of 0 to 128 bits, not "::/129"'],
    [['10.0.0.1/8'], 'RangeError: trusted[0] must have no bits behind its prefix, not "10.0.0.1/8"'],
    [['2001:db8::1/64'], 'RangeError: trusted[0] must have no bits behind its prefix, not "2001:db8::1/64"'],
  ];
  for (const [blocks, error] of WRONG) {
    it(`is not made: ${error}`, () => {
      const [name = '', message = ''] = error.split(/: (.*)/s);
      assert.throws(() => new AddressSet('trusted', blocks), { name, message });
    });
  }

  it('has as many blocks as its limit', () => {
    const blocks = Array.from({ length: MOST_BLOCKS }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    assert.equal(has(blocks, '10.0.3.255'), true);
  });
});
