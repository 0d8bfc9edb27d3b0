import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ErrorCode } from '../../port/error-code.js';
import {
  SendFlag,
  type AttemptEvents,
  type Connection,
  type ConnectionEvents,
  type ConnectTarget,
} from '../../port/tcp-stack.js';
import { TcpState } from '../../port/tcp-state.js';
import { NodeStack } from './node-stack.js';

const server = createServer((socket) => {
  sockets.push(socket.on('error', () => undefined));
});
const sockets: Socket[] = [];

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

function target(): ConnectTarget {
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port, localPort: 0 };
}

/** Goes round the loop until the condition holds; the runner ends a test that waits in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Writes down the events of an attempt and of its connection. */
class User implements AttemptEvents, ConnectionEvents {
  readonly log: string[] = [];
  connection: Connection | undefined;
  readonly #onConnected: (connection: Connection) => void;

  constructor(onConnected: (connection: Connection) => void = () => undefined) {
    this.#onConnected = onConnected;
  }

  onConnected(connection: Connection): ConnectionEvents {
    this.log.push('connected');
    this.connection = connection;
    this.#onConnected(connection);
    return this;
  }

  onFailed({ code }: { code: ErrorCode }): void {
    this.log.push(`failed ${code}`);
  }

  onData(bytes: Uint8Array): void {
    this.log.push(`data ${bytes.length}`);
  }

  onAcked(): void {
    // Acknowledgements are not what these tests are about.
  }

  onEnd(): void {
    this.log.push('end');
  }

  onClosed(fault: { code: ErrorCode } | undefined): void {
    this.log.push(fault === undefined ? 'closed' : `closed ${fault.code}`);
  }
}

describe('an attempt', () => {
  it('shows a connection that stands and knows both ends', async () => {
    const stack = new NodeStack();
    const user = new User();
    stack.connect(target(), user);
    assert.deepEqual(user.log, []);
    assert.equal(stack.holdings().attempts, 1);
    await until(() => user.connection !== undefined);
    const { local, remote } = user.connection ?? {};
    assert.equal(user.connection?.state(), TcpState.ESTABLISHED);
    assert.deepEqual(remote, { address: '127.0.0.1', port: target().port });
    assert.equal(local?.address, '127.0.0.1');
    assert.ok(local.port > 0);
    const { attempts, connections } = stack.holdings();
    assert.deepEqual([attempts, connections], [0, 1]);
    await stack.close();
  });

  it('to a port without a listener fails once, from the loop', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const stack = new NodeStack();
    const user = new User();
    stack.connect({ ...target(), port }, user);
    assert.deepEqual(user.log, []);
    await until(() => user.log.length > 0);
    assert.deepEqual(user.log, [`failed ${ErrorCode.ERR_RST}`]);
    assert.equal(stack.holdings().attempts, 0);
  });

  it('whose target the runtime refuses at once fails from the loop', async () => {
    const user = new User();
    new NodeStack().connect({ ...target(), port: 70_000 }, user);
    assert.deepEqual(user.log, []);
    await until(() => user.log.length > 0);
    assert.deepEqual(user.log, [`failed ${ErrorCode.ERR_IF}`]);
  });

  it('that is cancelled brings nothing, and leaves nothing', async () => {
    const stack = new NodeStack();
    const user = new User();
    const attempt = stack.connect(target(), user);
    attempt.cancel();
    attempt.cancel();
    attempt.setKeepsAlive(false);
    assert.equal(stack.holdings().attempts, 0);
    await stack.close();
    assert.deepEqual(user.log, []);
  });
});

describe('a connection that is shown', () => {
  it('and closed meanwhile is over in order, and the receiver hears it', async () => {
    const user = new User((connection) => {
      connection.enqueueAndFlush(Buffer.from('bye'), SendFlag.COPY);
      connection.close();
    });
    const stack = new NodeStack();
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    stack.connect(target(), user);
    const [peer] = await accepted;
    const [bytes] = (await once(peer, 'data')) as [Buffer];
    assert.equal(bytes.toString(), 'bye');
    await until(() => user.log.includes('closed'));
    assert.deepEqual(user.log, ['connected', 'closed']);
    await stack.close();
  });

  for (const how of ['abort', 'drop'] as const) {
    it(`and given up by ${how} meanwhile brings nothing more`, async () => {
      const user = new User((connection) => {
        connection[how]();
      });
      const stack = new NodeStack();
      stack.connect(target(), user);
      await until(() => user.connection !== undefined);
      assert.equal(user.connection?.state(), TcpState.CLOSED);
      assert.equal(stack.holdings().connections, 0);
      await stack.close();
      assert.deepEqual(user.log, ['connected']);
    });
  }

  it('to a user who throws is reset, and the exception is uncaught', async () => {
    const uncaught: unknown[] = [];
    process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
    const fault = new Error('thrown by the user');
    const user = new User(() => {
      throw fault;
    });
    const stack = new NodeStack();
    stack.connect(target(), user);
    await until(() => uncaught.length > 0);
    process.setUncaughtExceptionCaptureCallback(null);
    await stack.close();
    assert.deepEqual(uncaught, [fault]);
    assert.deepEqual(user.log, ['connected']);
  });
});

describe('a connection that is dropped', () => {
  it('leaves what the kernel has taken to it, and ends in order', async () => {
    const user = new User();
    const stack = new NodeStack();
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    stack.connect(target(), user);
    const [peer] = await accepted;
    await until(() => user.connection !== undefined);
    const pieces: Buffer[] = [];
    peer.on('data', (piece: Buffer) => pieces.push(piece));
    user.connection?.enqueueAndFlush(Buffer.from('last words'), SendFlag.COPY);
    user.connection?.drop();
    assert.equal(user.connection?.state(), TcpState.CLOSED);
    await once(peer, 'end');
    assert.equal(Buffer.concat(pieces).toString(), 'last words');
    assert.deepEqual(user.log, ['connected']);
  });
});
