import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import type {
  Connection,
  ConnectionEvents,
  Fault,
  Listener,
  ListenerEvents,
  ListenTarget,
} from '../../port/tcp-stack.js';
import { ErrorCode } from '../../port/error-code.js';
import { NodeStack } from './node-stack.js';

const LOOPBACK: ListenTarget = { address: '127.0.0.1', port: 0, backlog: undefined, reusePort: false };

const RECEIVER: ConnectionEvents = {
  onData: () => undefined,
  onAcked: () => undefined,
  onEnd: () => undefined,
  onClosed: () => undefined,
};

/** Goes round the loop until the condition holds; the runner ends a test that waits in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Writes down what happens to a listener, and accepts or refuses connections. */
class User implements ListenerEvents {
  readonly log: string[] = [];
  readonly connections: Connection[] = [];
  accepts = true;

  onListening(): void {
    this.log.push('listening');
  }

  onFailed({ code }: Fault): void {
    this.log.push(`failed ${code}`);
  }

  onAccepted(connection: Connection): ConnectionEvents | undefined {
    this.connections.push(connection);
    return this.accepts ? RECEIVER : undefined;
  }

  onAcceptFailed({ code }: Fault): void {
    this.log.push(`accept failed ${code}`);
  }
}

function begun(stack: NodeStack, target: ListenTarget, user: User): Listener {
  const listener = stack.listen(target, user);
  assert.ok(!('code' in listener));
  return listener;
}

describe('a listener', () => {
  it('knows its address and port when it listens, and the ends of what it accepts', async () => {
    const stack = new NodeStack();
    const user = new User();
    const listener = begun(stack, LOOPBACK, user);
    assert.deepEqual(user.log, []);
    await until(() => user.log.length > 0);
    assert.deepEqual(user.log, ['listening']);
    const { local } = listener;
    assert.equal(local.address, '127.0.0.1');
    const socket = connect(local.port, local.address).on('error', () => undefined);
    await once(socket, 'connect');
    await until(() => user.connections.length > 0);
    const [connection] = user.connections;
    assert.deepEqual(connection?.local, local);
    assert.deepEqual(connection.remote, { address: '127.0.0.1', port: socket.localPort });
    const { connections, listeners } = stack.holdings();
    assert.deepEqual([connections, listeners], [1, 1]);
    await stack.close();
  });

  it('on every address knows its port when `listen` returns', async () => {
    const stack = new NodeStack();
    const listener = begun(stack, { ...LOOPBACK, address: undefined }, new User());
    assert.ok(listener.local.port > 0);
    await stack.close();
  });

  it('refuses a connection without a receiver by a reset', async () => {
    const stack = new NodeStack();
    const user = new User();
    user.accepts = false;
    const listener = begun(stack, LOOPBACK, user);
    await until(() => user.log.length > 0);
    const socket = connect(listener.local.port, '127.0.0.1').resume();
    const [error] = (await once(socket, 'error')) as [Error & { code: string }];
    assert.equal(error.code, 'ECONNRESET');
    assert.equal(stack.holdings().connections, 0);
    await stack.close();
  });

  it('on an address that is in use fails once, from the loop', async () => {
    const stack = new NodeStack();
    const [first, second] = [new User(), new User()];
    const listener = begun(stack, LOOPBACK, first);
    await until(() => first.log.length > 0);
    begun(stack, { ...LOOPBACK, port: listener.local.port }, second);
    assert.deepEqual(second.log, []);
    await until(() => second.log.length > 0);
    assert.deepEqual(second.log, [`failed ${ErrorCode.ERR_USE}`]);
    assert.equal(stack.holdings().listeners, 1);
    await stack.close();
  });

  it('whose target the runtime refuses is a fault that `listen` returns', () => {
    const stack = new NodeStack();
    const fault = stack.listen({ ...LOOPBACK, port: 70_000 }, new User());
    assert.ok('code' in fault);
    assert.ok(fault.cause instanceof RangeError);
    assert.equal(stack.holdings().listeners, 0);
  });

  it('that is closed before it listens never does, and its port is free', async () => {
    const stack = new NodeStack();
    const [user, next] = [new User(), new User()];
    const probe = begun(stack, LOOPBACK, next);
    await until(() => next.log.length > 0);
    const { port } = probe.local;
    probe.close();
    begun(stack, { ...LOOPBACK, port }, user).close();
    assert.equal(stack.holdings().listeners, 0);
    await stack.close();
    const again = new User();
    begun(stack, { ...LOOPBACK, port }, again);
    await until(() => again.log.length > 0);
    assert.deepEqual([again.log, user.log], [['listening'], []]);
    await stack.close();
  });
});
