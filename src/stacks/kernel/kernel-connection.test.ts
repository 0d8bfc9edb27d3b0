import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { it } from 'node:test';
import { loadAddon } from '../../addon/load-addon.js';
import type { ConnectionEvents } from '../../port/tcp-stack.js';
import { KernelConnection } from './kernel-connection.js';
import { KernelStack } from './kernel-stack.js';

const { addon, reason } = loadAddon();

class Receiver implements ConnectionEvents {
  acknowledged = 0;
  stands = false;

  connected(): void {
    this.stands = true;
  }

  acked(bytes: number): void {
    this.acknowledged += bytes;
  }

  data(): void {
    assert.fail('nobody sends');
  }

  end(): void {
    assert.fail('nobody ends');
  }

  closed(): void {
    assert.fail('nobody closes');
  }
}

/** Goes round the loop until it is so; a test that never gets there is ended by the runner. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

it(
  'what is told as acknowledged when nobody waits any more comes when somebody does',
  { skip: reason ?? false },
  async (test) => {
    assert.ok(addon !== undefined);
    const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    test.after(() => server.close());
    await once(server, 'listening');
    const receiver = new Receiver();
    const stack = new KernelStack(addon);
    const { port } = server.address() as AddressInfo;
    const connection = stack.connect({ address: '127.0.0.1', port, localPort: 0 }, receiver);
    assert.ok(connection instanceof KernelConnection);
    test.after(() => {
      connection.abort();
    });
    await until(() => receiver.stands);
    connection.setReportsAcks(true);
    connection.send(new Uint8Array(5), true, false);
    connection.setReportsAcks(false);
    // What a poll counted while somebody waited, and tells now. There is no other socket: this is the first.
    let polled = 0;
    await until(() => (polled = stack.loop.native.acked(0)) > 0);
    connection.socketAcked(polled);
    assert.equal(receiver.acknowledged, 0);
    connection.setReportsAcks(true);
    await until(() => receiver.acknowledged > 0);
    assert.equal(receiver.acknowledged, 5);
  },
);
