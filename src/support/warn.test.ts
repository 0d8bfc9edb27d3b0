import assert from 'node:assert/strict';
import { afterEach, describe, it, mock } from 'node:test';
import { log, logTo, observeWarnings, warn, type Logger } from './warn.js';

const printed = mock.method(console, 'warn', () => undefined);

afterEach(() => {
  logTo(undefined);
  observeWarnings(undefined);
  printed.mock.resetCalls();
});

function lines(): unknown[] {
  return printed.mock.calls.map((call): unknown => call.arguments[0]);
}

describe('a warning', () => {
  it('is printed by default', () => {
    warn('one');
    assert.deepEqual(lines(), ['asynctcp: one']);
  });

  it('reaches the logger instead, with the name of the library, until the logger is removed', () => {
    const entries: unknown[][] = [];
    const logger: Logger = {
      info: () => undefined,
      warn: (...entry) => entries.push(entry),
      error: () => undefined,
    };
    logTo(logger);
    warn('one');
    logTo(undefined);
    warn('two');
    assert.deepEqual(entries, [[{ module: 'asynctcp' }, 'one']]);
    assert.deepEqual(lines(), ['asynctcp: two']);
  });

  it('is printed if the logger throws', () => {
    const fails = (): never => {
      throw new Error('disk full');
    };
    logTo({ info: fails, warn: fails, error: fails });
    warn('one');
    assert.deepEqual(lines(), ['asynctcp: one (the logger threw: disk full)']);
  });

  it('is observed beside all that', () => {
    const seen: string[] = [];
    observeWarnings((line) => seen.push(line));
    warn('one');
    assert.deepEqual([seen, lines()], [['one'], ['asynctcp: one']]);
  });
});

it('an entry without a logger goes nowhere', () => {
  assert.equal(log('info', {}, 'one'), false);
  assert.deepEqual(lines(), []);
});
