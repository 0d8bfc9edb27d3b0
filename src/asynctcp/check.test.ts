import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkAddress,
  checkBoolean,
  checkHandler,
  checkHost,
  checkInteger,
  checkNumber,
  checkPort,
  MAX_HOST_LENGTH,
  show,
} from './check.js';

/** Values of none of the checked kinds, and how an error shows them. */
const STRANGERS: readonly [value: unknown, shown: string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  [true, 'true'],
  [7n, '7'],
  [Symbol('s'), 'Symbol(s)'],
  [{ toString: () => 'lies' }, '[object Object]'],
  [[1], '[object Array]'],
  [Object.create(null), '[object Object]'],
  [(): void => undefined, 'a function'],
];

function throwsNaming(
  call: () => unknown,
  kind: typeof TypeError | typeof RangeError,
  message: string,
): void {
  assert.throws(call, (error: unknown) => {
    assert.ok(error instanceof kind, `${String(error)} is a ${kind.name}`);
    assert.equal(error.message, message);
    return true;
  });
}

describe('a value in an error', () => {
  it('is shown so that a string and a number differ', () => {
    assert.equal(show('80'), '"80"');
    assert.equal(show(80), '80');
    assert.equal(show(Number.NaN), 'NaN');
  });

  it('of 64 characters is shown whole, one longer is cut', () => {
    assert.equal(show('x'.repeat(64)), `"${'x'.repeat(64)}"`);
    assert.equal(show('x'.repeat(65)), `"${'x'.repeat(64)}…"`);
  });

  it('cannot break the line', () => {
    assert.equal(show('a\nb'), '"a\\nb"');
  });
});

describe('an integer', () => {
  it('at the ends of its range is taken as it is', () => {
    assert.equal(checkInteger('count', 1, 1, 127), 1);
    assert.equal(checkInteger('count', 127, 1, 127), 127);
  });

  for (const value of [0, 128, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    it(`${value} outside of it is an error that names argument, range, unit and value`, () => {
      throwsNaming(
        () => checkInteger('count', value, 1, 127, ' ms'),
        RangeError,
        `count must be an integer from 1 to 127 ms, not ${value}`,
      );
    });
  }

  it('is no other type', () => {
    for (const [value, shown] of [...STRANGERS, ['5', '"5"'] as const]) {
      const message = `count must be an integer from 1 to 127, not ${shown}`;
      throwsNaming(() => checkInteger('count', value, 1, 127), TypeError, message);
    }
  });
});

describe('a number', () => {
  it('may have a fraction, and be at the ends of its range', () => {
    for (const value of [0, 0.25, 86_400])
      assert.equal(checkNumber('seconds', value, 0, 86_400, ' s'), value);
  });

  for (const value of [-0.001, 86_400.001, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`${value} outside of it is an error that names argument, range, unit and value`, () => {
      throwsNaming(
        () => checkNumber('seconds', value, 0, 86_400, ' s'),
        RangeError,
        `seconds must be a number from 0 to 86400 s, not ${value}`,
      );
    });
  }

  it('is no other type', () => {
    for (const [value, shown] of [...STRANGERS, ['5', '"5"'] as const]) {
      const message = `seconds must be a number from 0 to 9 s, not ${shown}`;
      throwsNaming(() => checkNumber('seconds', value, 0, 9, ' s'), TypeError, message);
    }
  });
});

describe('a port', () => {
  it('is 0 to 65535', () => {
    assert.equal(checkPort('port', 0), 0);
    assert.equal(checkPort('port', 65_535), 65_535);
    const expected = 'port must be an integer from 0 to 65535, not ';
    throwsNaming(() => checkPort('port', 65_536), RangeError, `${expected}65536`);
    throwsNaming(() => checkPort('port', -1), RangeError, `${expected}-1`);
    throwsNaming(() => checkPort('port', '80'), TypeError, `${expected}"80"`);
  });
});

describe('a boolean', () => {
  it('is true or false and nothing like them', () => {
    assert.equal(checkBoolean('setNoDelay', true), true);
    assert.equal(checkBoolean('setNoDelay', false), false);
    for (const [value, shown] of [
      [0, '0'] as const,
      [undefined, 'undefined'] as const,
      ['true', '"true"'] as const,
    ]) {
      const message = `setNoDelay must be true or false, not ${shown}`;
      throwsNaming(() => checkBoolean('setNoDelay', value), TypeError, message);
    }
  });
});

describe('a handler', () => {
  it('is a function, or undefined to remove it', () => {
    const handler = (): undefined => undefined;
    assert.equal(checkHandler('onData', handler), handler);
    assert.equal(checkHandler<() => void>('onData', undefined), undefined);
    for (const value of [null, 'f', {}]) {
      const message = `onData must be given a function or undefined, not ${show(value)}`;
      throwsNaming(() => checkHandler<unknown>('onData', value), TypeError, message);
    }
  });
});

const LABEL_63 = 'a'.repeat(63);
/** 253 characters in labels of at most 63. */
const LONGEST_NAME = `${LABEL_63}.${LABEL_63}.${LABEL_63}.${'a'.repeat(61)}`;

function hostMessage(name: string, value: unknown): string {
  return `${name} must be a host name of 1 to 253 characters or an IP address, not ${show(value)}`;
}

describe('a host', () => {
  const GOOD = [
    'localhost',
    'example.com',
    'example.com.',
    'a',
    '3com.example',
    '_sip._tcp.example.com',
    'xn--bcher-kva.example',
    'bücher.example',
    'नमस्ते.example',
    'a-b--c.example',
    '1.2.3.4.example',
    LABEL_63,
    '192.0.2.1',
    '::1',
    'fe80::1%eth0',
    '::ffff:192.0.2.1',
  ];
  for (const host of GOOD) {
    it(`may be ${show(host)}`, () => {
      assert.equal(checkHost('host', host), host);
    });
  }

  const BAD = [
    '',
    '.',
    '..',
    'a..b',
    '.a',
    'a..',
    '-a',
    'a-',
    'a.-b',
    'a b',
    'a\n',
    'a/b',
    'a:80',
    'http://a',
    '[::1]',
    'user@a',
    '256.1.1.1',
    '1.2.3',
    '01.2.3.4',
    '2130706433',
    '1.2.3.4.5',
    '1.2.3.4.',
    '::g',
    'a\0b',
    `${LABEL_63}a`,
  ];
  for (const host of BAD) {
    it(`is not ${show(host)}, and the error says what one is`, () => {
      throwsNaming(() => checkHost('host', host), RangeError, hostMessage('host', host));
    });
  }

  it(`is at most ${MAX_HOST_LENGTH} characters, the root's dot not counted`, () => {
    assert.equal(LONGEST_NAME.length, MAX_HOST_LENGTH);
    assert.equal(checkHost('host', LONGEST_NAME), LONGEST_NAME);
    assert.equal(checkHost('host', `${LONGEST_NAME}.`), `${LONGEST_NAME}.`);
    const tooLong = `${LONGEST_NAME}a`;
    throwsNaming(() => checkHost('host', tooLong), RangeError, hostMessage('host', tooLong));
  });

  it('is a string', () => {
    for (const [value, shown] of STRANGERS) {
      const message = `host must be a host name or an IP address, not ${shown}`;
      throwsNaming(() => checkHost('host', value), TypeError, message);
    }
  });
});

describe('an address', () => {
  it('is an IP address and never a name', () => {
    for (const text of ['192.0.2.1', '::', 'fe80::1%2']) assert.equal(checkAddress('address', text), text);
    for (const text of ['localhost', '', '192.0.2', '[::1]']) {
      const message = `localAddress must be an IP address, not ${show(text)}`;
      throwsNaming(() => checkAddress('localAddress', text), RangeError, message);
    }
    throwsNaming(() => checkAddress('address', 7), TypeError, 'address must be an IP address, not 7');
  });
});
