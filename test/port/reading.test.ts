/**
 * `setReading` of the port: it takes effect with the call, keeps the order, and the FIN follows the data that
 * waits.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { ConnectionEvents, TcpStack } from 'asynctcp';
import { TcpState } from 'asynctcp';
import { makeStack, STACKS } from '../support/stacks.js';
import { nextTurn, until } from '../support/until.js';

type Connection = ReturnType<TcpStack['connect']>;

const HANGS_MS = 60_000;

/** A connection, the events that it reported, and its peer. */
interface Line {
  readonly connection: Connection;
  readonly peer: Socket;
  /** Delivered data and ends, in order: 'abc', 'END', 'CLOSED'. */
  readonly events: string[];
  /** Runs after each delivery. */
  onData: (text: string) => void;
}

const server: Server = createServer({ allowHalfOpen: true, noDelay: true });

async function line(stack: TcpStack): Promise<Line> {
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const events: string[] = [];
  const connection = await new Promise<Connection>((resolve) => {
    const receiver: ConnectionEvents = {
      connected: () => resolve(opened),
      data: (bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        events.push(text);
        opened.received(bytes.length);
        made.onData(text);
      },
      acked: () => undefined,
      end: () => events.push('END'),
      closed: (fault) => events.push(fault === undefined ? 'CLOSED' : `FAULT ${fault.code}`),
    };
    const opened = stack.connect({ address: '127.0.0.1', port, localPort: 0 }, receiver);
  });
  const [peer] = await accepted;
  peer.on('error', () => undefined);
  const made: Line = { connection, peer, events, onData: () => undefined };
  return made;
}

/**
 * Waits until everything that was sent before has arrived: until echoes over the same interface have come
 * back.
 */
async function settle(): Promise<void> {
  const stack = makeStack('node');
  for (let trip = 0; trip < 3; trip += 1) {
    const echo = await line(stack);
    echo.peer.write('.');
    await until('the echo is back', () => echo.events.length > 0);
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
      const { connection, peer, events } = await line(stack);
      connection.setReading(false);
      for (const text of ['a', 'b', 'c']) peer.write(text);
      await settle();
      assert.equal(events.length, 0);
      connection.setReading(true);
      assert.equal(events.length, 0, 'not from within the method');
      await until('all has come', () => events.join('') === 'abc');
      connection.setReading(false);
      peer.write('d');
      await settle();
      connection.setReading(true);
      connection.setReading(false);
      await settle();
      assert.equal(events.join(''), 'abc');
      connection.setReading(true);
      await until('the last byte has come', () => events.join('') === 'abcd');
      connection.abort();
      peer.destroy();
    });

    it('that is switched off by each piece delivers one piece for each time it is on', async () => {
      const made = await line(stack);
      const { connection, peer, events } = made;
      const bytes = 1_000_000;
      made.onData = () => connection.setReading(false);
      peer.write(Buffer.alloc(bytes, 'x'));
      let seen = 0;
      while (events.join('').length < bytes) {
        await until('a piece has come', () => events.length > seen);
        await nextTurn();
        assert.equal(events.length, seen + 1);
        seen += 1;
        connection.setReading(true);
      }
      connection.abort();
      peer.destroy();
    });

    it('that is off reports an end with nothing before it', async () => {
      const { connection, peer, events } = await line(stack);
      connection.setReading(false);
      peer.end();
      await until('the end is reported', () => events.includes('END'));
      assert.equal(connection.state(), TcpState.CLOSE_WAIT);
      assert.equal(connection.send(Buffer.from('still'), true, false), 5);
      const [answer] = (await once(peer, 'data')) as [Buffer];
      assert.equal(answer.toString(), 'still');
      connection.close();
      await until('it is closed', () => events.includes('CLOSED'));
      assert.deepEqual(events, ['END', 'CLOSED']);
    });

    it('that is off reports an end behind data when the data was delivered', async () => {
      const { connection, peer, events } = await line(stack);
      connection.setReading(false);
      peer.end('last');
      await settle();
      assert.equal(events.length, 0);
      connection.setReading(true);
      await until('the end is reported', () => events.includes('END'));
      assert.deepEqual(events, ['last', 'END']);
      connection.abort();
      peer.destroy();
    });

    it('that is off does not hold up close: what waits is dropped, and what was sent arrives', async () => {
      const { connection, peer, events } = await line(stack);
      connection.setReading(false);
      peer.write('unread');
      await settle();
      connection.send(Buffer.from('answer'), true, false);
      connection.close();
      const [answer] = (await once(peer, 'data')) as [Buffer];
      assert.equal(answer.toString(), 'answer');
      await once(peer, 'end');
      peer.end();
      await until('it is closed', () => events.includes('CLOSED'));
      assert.deepEqual(events, ['CLOSED']);
    });

    it('that is off does not hold up abort, and no event follows it', async () => {
      const { connection, peer, events } = await line(stack);
      connection.setReading(false);
      peer.write('unread');
      await settle();
      connection.abort();
      connection.setReading(true);
      peer.resume();
      await until('the peer is reset', () => peer.destroyed);
      await settle();
      assert.equal(events.length, 0);
    });
  });
}
