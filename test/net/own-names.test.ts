/** Names of a stack that has a time of its own: Node's resolver, and its network, are not asked. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { memoryStack } from 'asynctcp';
import { connect, createServer } from 'asynctcp/net';
import { Network } from 'asynctcp/virtual';

describe('a socket on a stack in virtual time', () => {
  it('finds the hosts of its network, and gives time only to their packets', async () => {
    const network = new Network({ seed: 1 });
    const [device, gateway] = [network.host('device'), network.host('gateway')];
    network.link(device, gateway, { delayMs: 10 });
    createServer({ stack: gateway.stack }, (socket) => socket.end('hello')).listen(80);
    const socket = connect({ host: 'gateway', port: 80, stack: device.stack });
    const [data] = (await network.runUntil(once(socket, 'data'))) as [Buffer];
    assert.deepEqual([String(data), socket.remoteAddress, network.nowMs], ['hello', gateway.address, 40]);
  });

  it('ends with ENOTFOUND for another name', async () => {
    const network = new Network({ seed: 1 });
    const socket = connect({ host: 'elsewhere', port: 80, stack: network.host('device').stack });
    const [error] = (await network.runUntil(once(socket, 'error').catch((caught: unknown) => [caught]))) as [
      NodeJS.ErrnoException,
    ];
    assert.deepEqual([error.code, error.syscall], ['ENOTFOUND', 'getaddrinfo']);
  });

  it('keeps a look-up that the program passes in', async () => {
    const stack = memoryStack({ lookup: (_, answer) => answer(new Error('not asked'), []) });
    const server = createServer({ stack }, (socket) => socket.end('hello')).listen(80, '127.0.0.1');
    await once(server, 'listening');
    const lookup = (
      _: string,
      __: object,
      answer: (error: null, address: string, family: number) => void,
    ): void => answer(null, '127.0.0.1', 4);
    const socket = connect({ host: 'any.test', port: 80, stack, lookup, autoSelectFamily: false });
    const [data] = (await once(socket, 'data')) as [Buffer];
    assert.equal(String(data), 'hello');
    server.close();
  });
});
