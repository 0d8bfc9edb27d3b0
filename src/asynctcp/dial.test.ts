import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ErrorCode } from '../port/error-code.js';
import type { Fault } from '../port/tcp-stack.js';
import { NodeStack } from '../stacks/node/node-stack.js';
import { ipFamily } from '../support/ip-address.js';
import { Dial, interleaved, MAX_ADDRESSES } from './dial.js';

/** A port of every loopback address on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Dials a name with these addresses, none of which answers. */
async function failedDial(addresses: readonly string[], localAddress?: string): Promise<Fault> {
  const stack = new NodeStack({
    lookup: (_, answer) => {
      setImmediate(answer, null, addresses);
    },
  });
  const port = await deadPort();
  const fault = await new Promise<Fault>((resolve, reject) => {
    const target = { host: 'many.example', port, localAddress, localPort: 0 };
    new Dial(stack, target, true, {
      onDialed: () => {
        reject(new Error('somebody answered'));
        return assert.fail('nobody listens there');
      },
      onDialFailed: resolve,
    });
  });
  assert.equal(stack.timers.size, 0, 'no timer is left');
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
    const tried = causes.map((cause) => (cause instanceof Error && 'address' in cause ? cause.address : ''));
    assert.equal(tried.filter((address) => address === V6).length, 1);
  });

  it('that are one fail with its own error', async () => {
    const { code, cause } = await failedDial([V4]);
    assert.equal(code, ErrorCode.ERR_RST);
    assert.ok(cause !== undefined && !(cause instanceof AggregateError));
    assert.match(cause.message, /ECONNREFUSED 127\.0\.0\.1/);
  });

  it('that are several fail with all their errors, and with their texts', async () => {
    const { cause } = await failedDial([V4, V4]);
    assert.match(cause?.message ?? '', /ECONNREFUSED.*; .*ECONNREFUSED/);
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
