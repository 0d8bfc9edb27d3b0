import assert from 'node:assert/strict';
import { isIP, isIPv4 } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  formatIpv4,
  formatIpv6,
  ipFamily,
  isUnspecified,
  parseIpv4,
  parseIpv6,
  unmapped,
} from './ip-address.js';

function canonical(text: string): string {
  const groups = parseIpv6(text);
  assert.ok(groups !== undefined, `${text} is an IPv6 address`);
  return formatIpv6(groups);
}

describe('IPv4', () => {
  it('is read as an unsigned number, the first byte first', () => {
    assert.equal(parseIpv4('127.0.0.1'), 0x7f000001);
    assert.equal(parseIpv4('0.0.0.0'), 0);
    assert.equal(parseIpv4('255.255.255.255'), 0xffffffff);
    assert.equal(parseIpv4('192.0.2.1'), 0xc0000201);
  });

  const WRONG = [
    '',
    '.',
    '...',
    '1.2.3',
    '1.2.3.4.',
    '.1.2.3.4',
    '1.2.3.4.5',
    '1..2.3',
    '256.0.0.1',
    '0.0.0.256',
    '1.2.3.1000',
    '01.2.3.4',
    '1.2.3.00',
    '1.2.3.-4',
    '1.2.3.+4',
    '0x7f.0.0.1',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '1.2.3.1e1',
    '１.2.3.4',
    '127.1',
    '2130706433',
  ];
  for (const text of WRONG) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(parseIpv4(text), undefined);
    });
  }

  it('comes back from its text, every number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
        assert.equal(parseIpv4(formatIpv4(value)), value);
      }),
    );
  });

  it('is written back as it was read', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const value = parseIpv4(text);
        assert.ok(value !== undefined);
        assert.equal(formatIpv4(value), text);
      }),
    );
  });
});

describe('IPv6, the texts of RFC 4291 §2.2', () => {
  const SAME = [
    ['2001:DB8:0:0:8:800:200C:417A', '2001:DB8::8:800:200C:417A'],
    ['FF01:0:0:0:0:0:0:101', 'FF01::101'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:13.1.68.3', '::13.1.68.3'],
    ['0:0:0:0:0:FFFF:129.144.52.38', '::FFFF:129.144.52.38'],
  ] as const;
  for (const [long, short] of SAME) {
    it(`${long} is ${short}`, () => {
      assert.deepEqual(parseIpv6(long), parseIpv6(short));
      assert.equal(parseIpv6(long)?.length, 8);
    });
  }

  it("'::' stands for one group at least, and for seven at most beside another", () => {
    assert.deepEqual(parseIpv6('1:2:3:4:5:6:7::'), [1, 2, 3, 4, 5, 6, 7, 0]);
    assert.deepEqual(parseIpv6('::2:3:4:5:6:7:8'), [0, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(parseIpv6('1::'), [1, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(parseIpv6('1:2:3:4:5:6:7:8::'), undefined);
    assert.equal(parseIpv6('::1:2:3:4:5:6:7:8'), undefined);
    assert.equal(parseIpv6('1:2:3:4::5:6:7:8'), undefined);
  });

  const WRONG = [
    '',
    ':',
    ':::',
    '::::',
    '1::2::3',
    ':1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:8:',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    ':1::2',
    '1::2:',
    '12345::',
    '::g',
    '::-1',
    '::1.2.3',
    '::1.2.3.4.5',
    '::1.2.3.256',
    '::01.2.3.4',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1.2.3.4',
    '[::1]',
    '::1 ',
    '::1/64',
    '::１',
  ];
  for (const text of WRONG) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(parseIpv6(text), undefined);
      assert.equal(ipFamily(text), parseIpv4(text) === undefined ? undefined : 4);
    });
  }
});

describe('IPv6, the canonical text of RFC 5952', () => {
  const EXAMPLES = [
    // §4.1 leading zeros
    ['2001:0db8::0001', '2001:db8::1'],
    // §4.2.1 as much as possible
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::0:1', '2001:db8::1'],
    // §4.2.2 one group is not shortened
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    // §4.2.3 the longest run; the first of two equal ones
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    // §4.3 lower case
    ['2001:DB8::ABCD:EF', '2001:db8::abcd:ef'],
    // the ends
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:1:0:1:0:1:0:1', '0:1:0:1:0:1:0:1'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ] as const;
  for (const [text, expected] of EXAMPLES) {
    it(`${text} is written ${expected}`, () => {
      assert.equal(canonical(text), expected);
    });
  }

  const group = fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.nat(0xffff) },
    { weight: 1, arbitrary: fc.constantFrom(1, 0xffff) },
  );

  it('comes back from its text, any groups, and is the one that WHATWG URLs have', () => {
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const text = formatIpv6(groups);
        assert.deepEqual(parseIpv6(text), groups);
        assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the family', () => {
  it('is 4, 6 or none', () => {
    assert.equal(ipFamily('192.0.2.1'), 4);
    assert.equal(ipFamily('2001:db8::1'), 6);
    assert.equal(ipFamily('example.com'), undefined);
    assert.equal(ipFamily(''), undefined);
  });

  it('of an address with a zone (RFC 4007 §11) is 6, of an empty or doubled zone none', () => {
    for (const text of ['fe80::1%eth0', 'fe80::1%2', 'fe80::1%en-0.1', '::%lo'])
      assert.equal(ipFamily(text), 6);
    for (const text of ['fe80::1%', '%eth0', '::1%a%b', '::1%a b', '192.0.2.1%eth0', 'fe80%eth0::1']) {
      assert.equal(ipFamily(text), undefined, text);
    }
  });

  /** An address with one or two changes that may spoil it. */
  const nearMiss = fc
    .tuple(
      fc.oneof(
        fc.ipV4(),
        fc.ipV6(),
        fc.constantFrom('::', '::1', '1::', '::ffff:1.2.3.4', '1:2:3:4:5:6:7::', '1:2:3:4:5:6:1.2.3.4'),
      ),
      fc.array(
        fc.record({
          at: fc.nat(45),
          cut: fc.nat(2),
          put: fc.oneof(
            fc.constantFrom('', ':', '::', '.', '0', '00', 'f', 'g', '256', '1', ' ', '-', 'F'),
            fc.string({ maxLength: 1 }),
          ),
        }),
        { maxLength: 2 },
      ),
    )
    .map(([text, edits]) => {
      const chars = Array.from(text);
      for (const { at, cut, put } of edits) chars.splice(at % (chars.length + 1), cut, put);
      return chars.join('');
    })
    // The runtimes differ in the characters of a zone.
    .filter((text) => !text.includes('%'));

  it('is what the runtime says, of addresses and near misses', () => {
    fc.assert(
      fc.property(nearMiss, (text) => {
        assert.equal(ipFamily(text) ?? 0, isIP(text));
        assert.equal(parseIpv4(text) !== undefined, isIPv4(text));
      }),
      { numRuns: 20_000 },
    );
  });

  it('is what the runtime says, of any text in the letters of addresses', () => {
    const text = fc.string({
      unit: fc.constantFrom(...Array.from('0123456789abcdefABCDEF::::....')),
      maxLength: 40,
    });
    fc.assert(
      fc.property(text, (text) => {
        assert.equal(ipFamily(text) ?? 0, isIP(text));
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('an IPv4 address in IPv6 clothes', () => {
  it('is the IPv4 address that it is, however it is written', () => {
    for (const text of ['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:c000:0201']) {
      assert.equal(unmapped(text), '192.0.2.1');
    }
    assert.equal(unmapped('::ffff:255.255.255.255'), '255.255.255.255');
    assert.equal(unmapped('::ffff:0:0'), '0.0.0.0');
  });

  it('is not seen where there is none', () => {
    const others = [
      '192.0.2.1',
      '::1',
      '::',
      '::192.0.2.1',
      '::fffe:192.0.2.1',
      '1::ffff:192.0.2.1',
      '64:ff9b::192.0.2.1',
      '::ffff:0:192.0.2.1',
      'fe80::1%eth0',
      'example.com',
      '',
    ];
    for (const text of others) assert.equal(unmapped(text), text);
  });

  it('is found for every IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        assert.equal(unmapped(`::ffff:${text}`), text);
        assert.equal(unmapped(canonical(`::ffff:${text}`)), text);
      }),
    );
  });
});

it('an unspecified address is found in every form', () => {
  for (const text of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::0', '::ffff:0.0.0.0', '::0.0.0.0', '::%lo']) {
    assert.equal(isUnspecified(text), true, text);
  }
  for (const text of ['0.0.0.1', '127.0.0.1', '::1', '::ffff:127.0.0.1', 'fe80::%0', '0', '', 'name']) {
    assert.equal(isUnspecified(text), false, text);
  }
});
