import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkDefaults, checkEnd, type ClientDefaults, type ServerEndOptions } from './server-options.js';

/** `checkEnd` as a caller in JavaScript may call it, with any options. */
const end = checkEnd as (options: unknown) => ReturnType<typeof checkEnd>;
const defaults = checkDefaults as (settings: unknown) => ReturnType<typeof checkDefaults>;

describe('the options of end()', () => {
  it('default to leaving the clients, without a time', () => {
    const options: ServerEndOptions = {};
    assert.deepEqual(checkEnd(options), { clients: 'leave', withinMs: undefined });
    for (const withinMs of [0, 86_400_000]) {
      assert.deepEqual(checkEnd({ clients: 'drain', withinMs }), { clients: 'drain', withinMs });
    }
  });

  it('that are wrong name argument, value and range', () => {
    assert.throws(
      () => end({ clients: 'kill' }),
      /^RangeError: clients must be one of leave, close, drain, abort, not "kill"$/,
    );
    assert.throws(() => end({ withinMs: -1 }), /^RangeError: withinMs .* from 0 to 86400000 ms, not -1$/);
    assert.throws(() => end({ withinMs: 86_400_001 }), /^RangeError: withinMs .*, not 86400001$/);
    assert.throws(() => end({ withinMs: '5' }), /^TypeError: withinMs .*, not "5"$/);
    assert.throws(() => end(null), /^TypeError: options must be an object, not null$/);
  });
});

describe('the settings of defaults()', () => {
  it('that are left out are left out of the result', () => {
    const settings: ClientDefaults = { noDelay: true };
    assert.deepEqual(checkDefaults(settings), { noDelay: true });
    assert.deepEqual(checkDefaults({}), {});
    assert.deepEqual(checkDefaults({ keepAlive: { ms: 0 }, ackTimeoutMs: 0, rxTimeoutS: 0.5 }), {
      keepAliveMs: 0,
      keepAliveProbes: 9,
      ackTimeoutMs: 0,
      rxTimeoutS: 0.5,
    });
  });

  it('that are wrong name argument, value and range', () => {
    assert.throws(() => defaults({ noDelay: 1 }), /^TypeError: noDelay must be true or false, not 1$/);
    assert.throws(() => defaults({ keepAlive: 5 }), /^TypeError: keepAlive must be an object, not 5$/);
    assert.throws(
      () => defaults({ keepAlive: { ms: 32_767_001 } }),
      /^RangeError: keepAlive\.ms .*, not 32767001$/,
    );
    assert.throws(
      () => defaults({ keepAlive: { ms: 1, count: 128 } }),
      /^RangeError: keepAlive\.count .*, not 128$/,
    );
    assert.throws(() => defaults({ rxTimeoutS: 86_401 }), /^RangeError: rxTimeoutS .* 86400 s, not 86401$/);
    assert.throws(() => defaults({ ackTimeoutMs: '1' }), /^TypeError: ackTimeoutMs .*, not "1"$/);
  });
});
