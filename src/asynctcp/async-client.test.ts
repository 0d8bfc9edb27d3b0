import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { NodeStack } from '../stacks/node/node-stack.js';
import type { Alarm, Clock } from '../support/clock.js';
import { AsyncClient } from './async-client.js';
import { AsyncServer } from './async-server.js';

/** A clock that stands still unless the test moves it; no timer is needed here. */
class StillClock implements Clock {
  now = 1000;

  nowMs(): number {
    return this.now;
  }

  setAlarm(): Alarm {
    return { cancel: () => undefined };
  }
}

/** A client of a server, and the foreign socket at its other end, which reads all that comes. */
async function accepted(
  stack: NodeStack,
): Promise<{ client: AsyncClient; peer: Socket; server: AsyncServer }> {
  const server = new AsyncServer('127.0.0.1', 0, { stack });
  await server.begin();
  const client = new Promise<AsyncClient>((resolve) => {
    server.onClient(resolve);
  });
  const peer = connect(server.port(), '127.0.0.1');
  peer.on('error', () => undefined);
  peer.resume();
  await once(peer, 'connect');
  return { client: await client, peer, server };
}

describe('connect()', () => {
  it('with a local address that the runtime refuses leaves the client usable', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = new AsyncClient({ stack: new NodeStack() });
    const over = new Promise<void>((resolve) => {
      client.onDisconnect(resolve.bind(undefined, undefined));
    });
    // A zone that an interface may be called by; `node:net` refuses the underscore in some versions.
    try {
      if (client.connect('::1', port, { localAddress: 'fe80::1%a_b' })) await over;
    } catch {
      // An exception is as good, as long as the attempt has not begun.
    }
    try {
      assert.equal(client.stateToString(), 'Closed');
      const connected = new Promise<void>((resolve) => {
        client.onConnect(resolve.bind(undefined, undefined));
      });
      assert.equal(client.connect('127.0.0.1', port), true);
      await connected;
    } finally {
      client.abort();
      server.close();
    }
  });
});

describe('the time that onAck tells', () => {
  it('is not counted from a send that was acknowledged while nobody listened', async () => {
    const clock = new StillClock();
    const { client, peer, server } = await accepted(new NodeStack({ clock }));
    try {
      client.onAck(() => undefined);
      const space = client.space();
      client.write('before');
      client.onAck(undefined);
      // Data comes in every turn until the acknowledgement has been noticed.
      while (client.space() < space) {
        peer.write('.');
        await new Promise<void>((resolve) => {
          client.onData(resolve.bind(undefined, undefined));
        });
      }
      clock.now += 3_600_000;
      const told = new Promise<number>((resolve) => {
        client.onAck((_, bytes, timeMs) => {
          assert.equal(bytes, 5);
          resolve(timeMs);
        });
      });
      client.write('after');
      assert.equal(await told, 0);
    } finally {
      client.abort();
      peer.destroy();
      await server.end();
    }
  });
});
