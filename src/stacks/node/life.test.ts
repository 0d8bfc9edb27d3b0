/** The life of a connection on `node:net`: the states that it shows, and how each end of it is reported. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ErrorCode } from '../../port/error-code.js';
import { SendFlag, type Connection, type ConnectionEvents, type Fault } from '../../port/tcp-stack.js';
import { TcpState } from '../../port/tcp-state.js';
import { NodeStack } from './node-stack.js';

const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
const stack = new NodeStack();
const peers: Socket[] = [];

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(async () => {
  await stack.close();
  for (const peer of peers) peer.destroy();
  server.close();
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Goes round the loop until the condition holds; the runner ends a test that waits in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** A connection that stands, its events but `onAcked`, and the foreign end. */
interface Line {
  readonly connection: Connection;
  readonly peer: Socket;
  /** Codes of the errors of the peer's socket. */
  readonly peerErrors: string[];
  readonly events: string[];
}

async function line(): Promise<Line> {
  const events: string[] = [];
  const receiver: ConnectionEvents = {
    onData: (bytes) => events.push(`data ${bytes.length}`),
    onAcked: () => undefined,
    onEnd: () => events.push('end'),
    onClosed: (fault) => events.push(fault === undefined ? 'closed' : `closed ${fault.code}`),
  };
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const connection = await new Promise<Connection>((resolve, reject) => {
    const onConnected = (standing: Connection): ConnectionEvents => {
      resolve(standing);
      return receiver;
    };
    const onFailed = ({ code }: Fault): void => {
      reject(new Error(`the attempt failed with ${code}`));
    };
    const { port } = server.address() as AddressInfo;
    stack.connect({ address: '127.0.0.1', port, localPort: 0 }, { onConnected, onFailed });
  });
  const [peer] = await accepted;
  peers.push(peer);
  const peerErrors: string[] = [];
  peer.on('error', (error: Error & { code?: string }) => peerErrors.push(String(error.code)));
  return { connection, peer, peerErrors, events };
}

/** Sends until the kernel takes no more. */
async function fill(connection: Connection): Promise<void> {
  while (connection.queued() === 0) {
    connection.enqueueAndFlush(new Uint8Array(65_536), SendFlag.COPY);
    for (let turns = 0; turns < 3; turns += 1) await turn();
  }
}

/** A peer that has read our FIN, or does not read, finds a reset only by writing. */
async function untilWriteFails({ peer, peerErrors }: Pick<Line, 'peer' | 'peerErrors'>): Promise<void> {
  while (peerErrors.length === 0) {
    peer.write('.');
    await turn();
  }
}

describe('a connection whose peer ends first', () => {
  it('goes by CLOSE_WAIT and LAST_ACK, and is over in order', async () => {
    const { connection, peer, events } = await line();
    assert.equal(connection.state(), TcpState.ESTABLISHED);
    peer.resume().end();
    await until(() => events.length > 0);
    assert.equal(connection.state(), TcpState.CLOSE_WAIT);
    connection.shutdown();
    assert.equal(connection.state(), TcpState.LAST_ACK);
    await until(() => events.length > 1);
    assert.deepEqual([events, connection.state()], [['end', 'closed'], TcpState.CLOSED]);
  });
});

describe('a connection that sends its FIN first', () => {
  it('goes by FIN_WAIT_1 and FIN_WAIT_2, and is over in order after the peer’s FIN', async () => {
    const { connection, peer, events } = await line();
    connection.shutdown();
    assert.equal(connection.state(), TcpState.FIN_WAIT_1);
    assert.equal(connection.enqueue(new Uint8Array(1), SendFlag.COPY), 0);
    await until(() => connection.state() === TcpState.FIN_WAIT_2);
    peer.resume().end();
    await until(() => events.length > 1);
    assert.deepEqual([events, connection.state()], [['end', 'closed'], TcpState.CLOSED]);
  });

  it('and is closed then is over at once, but not from inside the method, and lingers', async () => {
    const { connection, peer, events } = await line();
    connection.shutdown();
    await until(() => connection.state() === TcpState.FIN_WAIT_2);
    connection.close();
    assert.deepEqual(events, []);
    await until(() => events.length > 0);
    assert.deepEqual(events, ['closed']);
    assert.equal(stack.holdings().lingering, 1);
    peer.resume().end();
    await until(() => stack.holdings().lingering === 0);
    assert.deepEqual(events, ['closed']);
  });

  it('and is aborted in the same turn resets the peer, and nothing is reported', async () => {
    const { connection, peer, peerErrors, events } = await line();
    peer.resume();
    connection.shutdown();
    connection.abort();
    assert.equal(connection.state(), TcpState.CLOSED);
    await untilWriteFails({ peer, peerErrors });
    assert.deepEqual(events, []);
  });

  it('and is aborted while bytes wait before the FIN resets the peer', async () => {
    const { connection, peer, peerErrors, events } = await line();
    await fill(connection);
    connection.shutdown();
    await turn();
    assert.equal(connection.state(), TcpState.FIN_WAIT_1);
    connection.abort();
    await untilWriteFails({ peer, peerErrors });
    assert.deepEqual(events, []);
  });
});

describe('a connection that is closed', () => {
  it('drops what arrives, and is over when its FIN is sent', async () => {
    const { connection, peer, events } = await line();
    connection.setReading(false);
    peer.resume().write('dropped');
    connection.close();
    connection.close();
    connection.shutdown();
    await until(() => events.length > 0);
    assert.deepEqual(events, ['closed']);
    peer.end();
    await until(() => stack.holdings().lingering === 0);
  });

  it('and reset by the peer before its FIN is over with ERR_RST', async () => {
    const { connection, peer, events } = await line();
    await fill(connection);
    connection.close();
    peer.resetAndDestroy();
    await until(() => events.length > 0);
    assert.deepEqual([events, connection.state()], [[`closed ${ErrorCode.ERR_RST}`], TcpState.CLOSED]);
    assert.equal(stack.holdings().lingering, 0);
  });
});

describe('a connection that the peer resets', () => {
  it('is over with ERR_RST, and its methods are harmless', async () => {
    const { connection, peer, events } = await line();
    peer.resetAndDestroy();
    await until(() => events.length > 0);
    connection.shutdown();
    connection.close();
    connection.setWantsSpace(1);
    connection.setReportsDrained(true);
    connection.drop();
    connection.abort();
    await turn();
    assert.deepEqual(events, [`closed ${ErrorCode.ERR_RST}`]);
    assert.deepEqual([connection.sendSpace(), connection.queued(), connection.unacknowledged()], [0, 0, 0]);
  });
});
