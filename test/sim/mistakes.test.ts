/** Mistakes in a program are answered at once, by their names. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Network } from '#src/sim/network.js';

/** Calls a method as JavaScript may: with any arguments. */
function call(holder: object, method: string, ...args: unknown[]): unknown {
  const found: unknown = Reflect.get(holder, method);
  assert.ok(typeof found === 'function');
  return Reflect.apply(found, holder, args);
}

describe('a mistake is answered by its name', () => {
  const network = new Network({ seed: 1 });
  const [a, b] = [network.host('a'), network.host('b')];

  it('an option that a link does not have', () => {
    assert.throws(
      () => call(network, 'link', a, b, { delay: 5 }),
      /^TypeError: a link has no option delay; .*delayMs/,
    );
    const link = network.link(a, b);
    assert.throws(
      () => call(link, 'set', { packetLoss: 0.1 }),
      /^TypeError: a link has no option packetLoss/,
    );
    assert.throws(() => {
      link.set({ loss: 5 });
    }, /^RangeError: loss must be a number of 0 to 1, not 5/);
  });

  it('a profile or an address that is none', () => {
    assert.throws(
      () => call(network, 'host', 'c', { profile: 'esp8266' }),
      /^RangeError: profile must be one of linux, /,
    );
    assert.throws(() => network.host('d', { address: '10.0.0' }), /^TypeError: '10\.0\.0' is no IP address/);
  });

  it('names, or hosts of another network, in the place of hosts', () => {
    assert.throws(() => call(network, 'link', 'a', 'b'), /^TypeError: a link joins two hosts of its network/);
    const other = new Network({ seed: 1 }).host('a');
    assert.throws(() => network.link(a, other), /^TypeError: a link joins two hosts of its network/);
  });

  it('a promise that waits for a timer of the machine', async () => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, 60_000)));
    await assert.rejects(network.runUntil(late), /nothing is left .*installGlobals\(\).*live\(\)/s);
    clearTimeout(timer);
  });
});
