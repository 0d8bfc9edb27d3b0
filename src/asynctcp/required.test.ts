import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TcpStack } from '../port/tcp-stack.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { checkRequired } from './required.js';

const whole = new MemoryStack();
/** A stack that can do less. */
const stack: TcpStack = Object.create(whole, {
  capabilities: {
    value: { ...whole.capabilities, acknowledgement: 'local', receiveWindow: 'bounded', virtualTime: false },
  },
}) as TcpStack;

describe('require', () => {
  it('takes what the stack has, less than that, and nothing', () => {
    const { capabilities } = stack;
    for (const required of [undefined, {}, { acknowledgement: undefined }, capabilities]) {
      checkRequired(required, stack);
    }
    const least = Object.fromEntries(Object.keys(capabilities).map((name) => [name, false]));
    checkRequired({ ...least, acknowledgement: 'local', receiveWindow: 'bounded' }, stack);
  });

  const PEER = /^RangeError: the memory stack cannot meet require\.acknowledgement "peer": it has "local"$/;
  const EXACT = /^RangeError: the memory stack cannot meet require\.receiveWindow "exact": it has "bounded"$/;
  const refused: [unknown, RegExp][] = [
    [{ acknowledgement: 'peer' }, PEER],
    [{ receiveWindow: 'exact' }, EXACT],
    [
      { virtualTime: true },
      /^RangeError: the memory stack cannot meet require\.virtualTime true: it has false$/,
    ],
    [{ abort: 1 }, /^RangeError: require\.abort must be false or true, not 1$/],
    [{ acknowledgement: true }, /^RangeError: require\.acknowledgement must be "local" or "peer", not true$/],
    [
      { toString: true },
      /^RangeError: require must name capabilities \(acknowledgement, .*\), not "toString"$/,
    ],
    ['peer', /^TypeError: require must be an object, not "peer"$/],
    [null, /^TypeError: require must be an object, not null$/],
  ];
  for (const [required, expected] of refused) {
    it(`says what it cannot meet or does not know: ${expected.source}`, () => {
      assert.throws(() => checkRequired(required, stack), expected);
    });
  }
});
