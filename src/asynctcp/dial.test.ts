import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ErrorCode } from '../port/error-code.js';
import type { Connection, ConnectionEvents, Fault } from '../port/tcp-stack.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { ipFamily } from '../support/ip-address.js';
import { Dial, interleaved, MAX_ADDRESSES } from './dial.js';

const PORT = 7;
const NOTHING = { connections: 0, attempts: 0, listeners: 0, lingering: 0, timers: 0 };

/** Dials a name with these addresses, none of which answers. */
async function failedDial(addresses: readonly string[], localAddress?: string): Promise<Fault> {
  const stack = new MemoryStack({ lookup: (_, answer) => answer(null, addresses) });
  const fault = await new Promise<Fault>((resolve) => {
    const target = { host: 'many.example', port: PORT, localAddress, localPort: 0 };
    new Dial(stack, target, true, {
      onDialed: () => assert.fail('nobody listens there'),
      onDialFailed: resolve,
      onDialAborted: resolve,
    });
  });
  assert.deepEqual(stack.holdings(), NOTHING);
  return fault;
}

function causesOf(fault: Fault): unknown[] {
  assert.ok(fault.cause instanceof AggregateError);
  return fault.cause.errors;
}

const V4 = '127.0.0.1';
const V6 = '::1';

describe('the addresses of one name', () => {
  it(`are tried up to ${MAX_ADDRESSES}`, async () => {
    const fault = await failedDial(new Array<string>(MAX_ADDRESSES).fill(V4));
    assert.equal(causesOf(fault).length, MAX_ADDRESSES);
    assert.equal(fault.code, ErrorCode.ERR_RST);
  });

  it('one more is left out', async () => {
    const fault = await failedDial(new Array<string>(MAX_ADDRESSES + 1).fill(V4));
    assert.equal(causesOf(fault).length, MAX_ADDRESSES);
  });

  it('are left out from the end of the interleaved order, so that no family is lost', async () => {
    const fault = await failedDial([...new Array<string>(MAX_ADDRESSES).fill(V4), V6]);
    const causes = causesOf(fault);
    assert.equal(causes.length, MAX_ADDRESSES);
    assert.equal(causes.filter((cause) => String(cause).includes(`connect to ${V6} `)).length, 1);
  });

  it('that are one fail with its own error', async () => {
    const { code, cause } = await failedDial([V4]);
    assert.equal(code, ErrorCode.ERR_RST);
    assert.ok(cause !== undefined && !(cause instanceof AggregateError));
    assert.match(cause.message, /^connect to 127\.0\.0\.1 port 7: nothing listens there$/);
  });

  it('that are several fail with all their errors, and with their texts', async () => {
    const { cause } = await failedDial([V4, V4]);
    assert.match(cause?.message ?? '', /nothing listens there; connect to .*nothing listens there/);
  });

  it('of another family than the local address are not tried', async () => {
    const { code, cause } = await failedDial([V6, V4, V6], V4);
    assert.equal(code, ErrorCode.ERR_RST);
    assert.ok(cause !== undefined && !(cause instanceof AggregateError), 'one was tried');
  });

  it('of another family only are no route, and the error says from where', async () => {
    const { code, cause } = await failedDial([V6, V6], V4);
    assert.equal(code, ErrorCode.ERR_RTE);
    assert.equal(cause?.message, `many.example has no IPv4 address to reach from ${V4}`);
  });

  it('that are none are a failed lookup', async () => {
    assert.equal((await failedDial([])).code, ErrorCode.ERR_DNS);
  });
});

describe('an attempt that stays silent', () => {
  const ADDRESSES = ['192.0.2.1', '192.0.2.2'];

  /** Returns a stack on which the first address is silent, and the second one's port is `PORT`. */
  function halfSilent(): { stack: MemoryStack; accepted: Connection[] } {
    const stack = new MemoryStack({ lookup: (_, answer) => answer(null, ADDRESSES) });
    const accepted: Connection[] = [];
    for (const address of ADDRESSES) {
      const target = { address, port: PORT, backlog: undefined, reusePort: false };
      stack.listen(target, {
        onListening: () => undefined,
        onFailed: () => assert.fail('it failed'),
        onAccepted: (connection) => {
          accepted.push(connection);
          return IGNORANT;
        },
        onAcceptFailed: () => undefined,
      });
    }
    stack.cut({ address: '192.0.2.1' });
    return { stack, accepted };
  }

  const IGNORANT: ConnectionEvents = {
    onData: () => undefined,
    onAcked: () => undefined,
    onEnd: () => undefined,
    onClosed: () => undefined,
  };
  const target = { host: 'two.example', port: PORT, localAddress: undefined, localPort: 0 };

  it('is followed by the next one after 250 ms, and given up when that stands', async () => {
    const { stack, accepted } = halfSilent();
    const dialed: Connection[] = [];
    new Dial(stack, target, true, {
      onDialed: (connection) => {
        dialed.push(connection);
        return IGNORANT;
      },
      onDialFailed: () => assert.fail('it failed'),
      onDialAborted: () => assert.fail('there is no signal'),
    });
    await stack.run(249);
    assert.deepEqual([dialed.length, stack.holdings().attempts], [0, 1]);
    await stack.run(1);
    assert.deepEqual([dialed[0]?.remote.address, accepted.length], ['192.0.2.2', 1]);
    assert.deepEqual(stack.holdings(), { ...NOTHING, connections: 2, listeners: 2 });
  });

  it('is given up with all others, in any stage, and tells nobody', async () => {
    for (const ms of [undefined, 0, 249, 250]) {
      const { stack, accepted } = halfSilent();
      const dial = new Dial(stack, target, true, {
        onDialed: () => assert.fail('it stands'),
        onDialFailed: () => assert.fail('it failed'),
        onDialAborted: () => assert.fail('there is no signal'),
      });
      stack.cut({ address: '192.0.2.2' });
      if (ms !== undefined) await stack.run(ms);
      dial.cancel();
      await stack.run(1000);
      assert.deepEqual(
        [accepted.length, stack.holdings()],
        [0, { ...NOTHING, listeners: 2 }],
        `after ${ms} ms`,
      );
    }
  });
});

describe('the order of RFC 8305 §4', () => {
  it('takes the families in turn, beginning with the preferred one', () => {
    assert.deepEqual(interleaved(['::1', '::2', '::3', '1.1.1.1', '2.2.2.2']), [
      '::1',
      '1.1.1.1',
      '::2',
      '2.2.2.2',
      '::3',
    ]);
    assert.deepEqual(interleaved(['1.1.1.1', '::1', '::2', '::3']), ['1.1.1.1', '::1', '::2', '::3']);
  });

  it('of one family or of nothing is the order that was given', () => {
    assert.deepEqual(interleaved([]), []);
    assert.deepEqual(interleaved(['3.3.3.3', '1.1.1.1', '2.2.2.2']), ['3.3.3.3', '1.1.1.1', '2.2.2.2']);
  });

  it('keeps every address and the order within each family, and changes family while it can', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6())), (addresses) => {
        const order = interleaved(addresses);
        const ofFamily = (list: readonly string[], family: number): string[] =>
          list.filter((address) => ipFamily(address) === family);
        for (const family of [4, 6]) assert.deepEqual(ofFamily(order, family), ofFamily(addresses, family));
        assert.equal(order.length, addresses.length);
        assert.equal(order[0], addresses[0]);
        const fewer = Math.min(ofFamily(order, 4).length, ofFamily(order, 6).length);
        for (let index = 1; index < 2 * fewer; index += 1) {
          assert.notEqual(ipFamily(order[index] ?? ''), ipFamily(order[index - 1] ?? ''));
        }
      }),
    );
  });
});
