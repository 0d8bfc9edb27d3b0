/**
 * `setReading` of the port: it takes effect with the call, keeps the order, and the FIN follows the data that
 * waits.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Connection, ConnectionEvents, TcpStack } from 'asynctcp';
import { ASYNC_WRITE_FLAG_COPY as COPY, TcpState } from 'asynctcp';
import { makeStack, STACKS } from '../support/stacks.js';
import { nextTurn, until } from '../support/until.js';

const HANGS_MS = 60_000;

/** A connection, the events that it reported, and its peer. */
interface Line {
  readonly connection: Connection;
  readonly peer: Socket;
  /** All events in order: the delivered text such as 'abc', 'END', 'CLOSED'. */
  readonly events: string[];
  /** Called for each piece of data, after it was consumed. */
  onData: (text: string) => void;
}

const server: Server = createServer({ allowHalfOpen: true, noDelay: true });

async function line(stack: TcpStack): Promise<Line> {
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const events: string[] = [];
  const connection = await new Promise<Connection>((resolve, reject) => {
    const onConnected = (standing: Connection): ConnectionEvents => {
      resolve(standing);
      return {
        onData: (bytes) => {
          const text = Buffer.from(bytes).toString('latin1');
          events.push(text);
          standing.consume(bytes.length);
          made.onData(text);
        },
        onAcked: () => undefined,
        onEnd: () => events.push('END'),
        onClosed: (fault) => events.push(fault === undefined ? 'CLOSED' : `FAULT ${fault.code}`),
      };
    };
    const onFailed = ({ code }: { readonly code: number }): void => {
      reject(new Error(`the attempt failed with ${code}`));
    };
    stack.connect({ address: '127.0.0.1', port, localPort: 0 }, { onConnected, onFailed });
  });
  const [peer] = await accepted;
  peer.on('error', () => undefined);
  const made: Line = { connection, peer, events, onData: () => undefined };
  return made;
}

/** Waits until everything that was sent before has arrived: echoes over the same interface came back. */
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

    it('that is off says how much waits', async () => {
      const { connection, peer, events } = await line(stack);
      connection.setReading(false);
      assert.equal(connection.undelivered?.(), 0);
      peer.write('abc');
      await until('the bytes wait', () => connection.undelivered?.() === 3);
      connection.setReading(true);
      await until('all has come', () => events.join('') === 'abc');
      assert.equal(connection.undelivered(), 0);
      connection.abort();
      assert.equal(connection.undelivered(), 0);
      assert.equal(connection.path?.(), undefined);
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
      assert.equal(connection.enqueueAndFlush(Buffer.from('still'), COPY), 5);
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
      connection.enqueueAndFlush(Buffer.from('answer'), COPY);
      connection.close();
      const [answer] = (await once(peer, 'data')) as [Buffer];
      assert.equal(answer.toString(), 'answer');
      await once(peer, 'end');
      peer.end();
      await until('it is closed', () => events.includes('CLOSED'));
      assert.deepEqual(events, ['CLOSED']);
    });

    it('that is off does not hold up abort, and nothing is reported after it', async () => {
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
