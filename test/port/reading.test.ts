/** `setReading` of the port: exact from the call on, in order, and the end behind what waits. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { ConnectionEvents, TcpStack } from 'asynctcp';
import { TcpState } from 'asynctcp';
import { makeStack, STACKS } from '../support/stacks.js';

type Connection = ReturnType<TcpStack['connect']>;

const HANGS_MS = 60_000;

/** A connection, what it has told, and the foreign end. */
interface Line {
  readonly connection: Connection;
  readonly peer: Socket;
  /** Everything that was delivered and ended: 'abc', 'END', 'CLOSED'. */
  readonly told: string[];
  /** What to do when data comes. */
  onData: (text: string) => void;
}

const server: Server = createServer({ allowHalfOpen: true, noDelay: true });

async function line(stack: TcpStack): Promise<Line> {
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const told: string[] = [];
  const connection = await new Promise<Connection>((resolve) => {
    const events: ConnectionEvents = {
      connected: () => resolve(opened),
      data: (bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        told.push(text);
        opened.received(bytes.length);
        made.onData(text);
      },
      acked: () => undefined,
      end: () => told.push('END'),
      closed: (fault) => told.push(fault === undefined ? 'CLOSED' : `FAULT ${fault.code}`),
    };
    const opened = stack.connect({ address: '127.0.0.1', port, localPort: 0 }, events);
  });
  const [peer] = await accepted;
  peer.on('error', () => undefined);
  const made: Line = { connection, peer, told, onData: () => undefined };
  return made;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Everything that was sent before has arrived by now: an echo over the same interface came back. */
async function settle(): Promise<void> {
  const stack = makeStack('node');
  for (let trip = 0; trip < 3; trip += 1) {
    const echo = await line(stack);
    echo.peer.write('.');
    await until(() => echo.told.length > 0);
    echo.connection.abort();
    echo.peer.destroy();
  }
}

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(() => {
  server.close();
});

for (const name of Object.keys(STACKS)) {
  describe(`reading on ${name}`, { timeout: HANGS_MS }, () => {
    const stack = makeStack(name);

    it('that is switched off in the middle of a stream delivers nothing more, and on again all, in order', async () => {
      const { connection, peer, told } = await line(stack);
      connection.setReading(false);
      for (const text of ['a', 'b', 'c']) peer.write(text);
      await settle();
      assert.equal(told.length, 0);
      connection.setReading(true);
      assert.equal(told.length, 0, 'not from within the method');
      await until(() => told.join('') === 'abc');
      connection.setReading(false);
      peer.write('d');
      await settle();
      connection.setReading(true);
      connection.setReading(false);
      await settle();
      assert.equal(told.join(''), 'abc');
      connection.setReading(true);
      await until(() => told.join('') === 'abcd');
      connection.abort();
      peer.destroy();
    });

    it('that is switched off by each piece delivers one piece for each time it is on', async () => {
      const made = await line(stack);
      const { connection, peer, told } = made;
      const bytes = 1_000_000;
      made.onData = () => connection.setReading(false);
      peer.write(Buffer.alloc(bytes, 'x'));
      let seen = 0;
      while (told.join('').length < bytes) {
        await until(() => told.length > seen);
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(told.length, seen + 1);
        seen += 1;
        connection.setReading(true);
      }
      connection.abort();
      peer.destroy();
    });

    it('that is off tells of an end with nothing before it', async () => {
      const { connection, peer, told } = await line(stack);
      connection.setReading(false);
      peer.end();
      await until(() => told.includes('END'));
      assert.equal(connection.state(), TcpState.CLOSE_WAIT);
      assert.equal(connection.send(Buffer.from('still'), true, false), 5);
      const [answer] = (await once(peer, 'data')) as [Buffer];
      assert.equal(answer.toString(), 'still');
      connection.close();
      await until(() => told.includes('CLOSED'));
      assert.deepEqual(told, ['END', 'CLOSED']);
    });

    it('that is off tells of an end behind data when that was delivered', async () => {
      const { connection, peer, told } = await line(stack);
      connection.setReading(false);
      peer.end('last');
      await settle();
      assert.equal(told.length, 0);
      connection.setReading(true);
      await until(() => told.includes('END'));
      assert.deepEqual(told, ['last', 'END']);
      connection.abort();
      peer.destroy();
    });

    it('that is off does not hold up close: what waits is dropped, and what was sent arrives', async () => {
      const { connection, peer, told } = await line(stack);
      connection.setReading(false);
      peer.write('unread');
      await settle();
      connection.send(Buffer.from('answer'), true, false);
      connection.close();
      const [answer] = (await once(peer, 'data')) as [Buffer];
      assert.equal(answer.toString(), 'answer');
      await once(peer, 'end');
      peer.end();
      await until(() => told.includes('CLOSED'));
      assert.deepEqual(told, ['CLOSED']);
    });

    it('that is off does not hold up abort, and nothing is told after it', async () => {
      const { connection, peer, told } = await line(stack);
      connection.setReading(false);
      peer.write('unread');
      await settle();
      connection.abort();
      connection.setReading(true);
      peer.resume();
      await until(() => peer.destroyed);
      await settle();
      assert.equal(told.length, 0);
    });
  });
}
