import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { it, type TestContext } from 'node:test';
import { loadAddon } from '../../addon/load-addon.js';
import { TcpState } from '../../port/tcp-state.js';
import { SendFlag, type ConnectionEvents } from '../../port/tcp-stack.js';
import { SteppedClock } from '../../support/stepped-clock.js';
import { FIN_WAIT_MS, LONGEST_LINGER_MS } from '../system/lingering.js';
import { CREDIT_BYTES, SHARE_BYTES } from '../system/send-budget.js';
import { KernelConnection } from './kernel-connection.js';
import { KernelStack } from './kernel-stack.js';

const { addon, reason } = loadAddon();

/** Twice the slowest check for acknowledgements. */
const SLOW_MS = 3200;
/** Time between the slowest check and the checks that are due soon. */
const SOON_MS = 1000;

class Receiver implements ConnectionEvents {
  acknowledged = 0;
  received = 0;
  hasEnded = false;
  mayEnd = false;
  hasClosed = false;
  spaceFreed = 0;
  drained = 0;
  /** Called after each piece of data. */
  whenReceived: () => void = () => undefined;

  onAcked(bytes: number): void {
    this.acknowledged += bytes;
  }

  onData(bytes: Uint8Array): void {
    this.received += bytes.length;
    this.whenReceived();
  }

  onSpaceFreed(): void {
    this.spaceFreed += 1;
  }

  onDrained(): void {
    this.drained += 1;
  }

  onEnd(): void {
    assert.ok(this.mayEnd, 'the peer has not ended');
    this.hasEnded = true;
  }

  onClosed(): void {
    assert.ok(this.mayEnd, 'neither side has closed');
    this.hasClosed = true;
  }
}

/** Lets the loop turn until the condition is met. The runner ends a test that waits for ever. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Goes round the loop a few times: the kernel is polled, and posted jobs run. */
async function nextTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Made {
  readonly stack: KernelStack;
  readonly connection: KernelConnection;
  readonly receiver: Receiver;
  /** The socket at the other end. */
  readonly peer: Socket;
}

/** Makes a connection to a peer on `node:net` that does not read unless the test resumes it. */
async function connected(test: TestContext, given?: KernelStack): Promise<Made> {
  assert.ok(addon !== undefined);
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  test.after(() => server.close());
  await once(server, 'listening');
  const receiver = new Receiver();
  const stack = given ?? new KernelStack(addon);
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const connection = await new Promise<KernelConnection>((resolve, reject) => {
    stack.connect(
      { address: '127.0.0.1', port, localPort: 0 },
      {
        onConnected: (standing) => {
          assert.ok(standing instanceof KernelConnection);
          resolve(standing);
          return receiver;
        },
        onFailed: ({ cause }) => {
          reject(cause ?? new Error('no cause'));
        },
      },
    );
  });
  test.after(() => {
    connection.abort();
  });
  const [peer] = await accepted;
  peer.on('error', () => undefined);
  return { stack, connection, receiver, peer };
}

/** Resolves to true if the connection's timer is due within `ms`, which is a long time. */
function isDueWithin(ms: number, connection: KernelConnection): Promise<boolean> {
  const due = connection.due.bind(connection);
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, false);
    connection.due = (): void => {
      connection.due = due;
      clearTimeout(timer);
      due();
      resolve(true);
    };
  });
}

/** Sends more than the peer has room for. Checks that find nothing then have their longest interval. */
async function sendInVain({ connection, receiver }: Made): Promise<void> {
  connection.setReportsAcks(true);
  const chunk = new Uint8Array(1024 * 1024);
  while (connection.enqueueAndFlush(chunk, 0) > 0);
  for (let check = 0; check < 10; check += 1) connection.due();
  // This timer was armed before the checks; the next one has the longest interval.
  assert.ok(await isDueWithin(SLOW_MS, connection));
  let told: number;
  do {
    told = receiver.acknowledged;
    for (let check = 0; check < 10; check += 1) connection.due();
    await isDueWithin(SLOW_MS, connection);
  } while (receiver.acknowledged > told);
}

it(
  'acknowledgements counted while reports were off are reported when they are on again',
  { skip: reason ?? false },
  async (test) => {
    const { stack, connection, receiver } = await connected(test);
    connection.setReportsAcks(true);
    connection.enqueueAndFlush(new Uint8Array(5), SendFlag.COPY);
    connection.setReportsAcks(false);
    // A poll counts bytes while acknowledgements are wanted and reports them later. Slot 0 is this
    // connection's: there is no other socket.
    let polled = 0;
    await until(() => (polled = stack.loop.native.acked(0)) > 0);
    connection.onSocketAcked(polled);
    assert.equal(receiver.acknowledged, 0);
    connection.setReportsAcks(true);
    await until(() => receiver.acknowledged > 0);
    assert.equal(receiver.acknowledged, 5);
  },
);

it(
  'a peer that acknowledges everything gets credit, which ends with the first look at which it is behind',
  { skip: reason ?? false },
  async (test) => {
    assert.ok(addon !== undefined);
    // A budget that no other test shares.
    const stack = new KernelStack(addon, { sendBudgetBytes: 123_456_789 });
    const { connection, peer } = await connected(test, stack);
    const { budget } = stack;
    peer.resume();
    assert.equal(connection.enqueueAndFlush(new Uint8Array(SHARE_BYTES), SendFlag.COPY), SHARE_BYTES);
    assert.equal(budget.excessBytes, 0, 'no look at the kernel, no credit');
    await until(() => connection.unacknowledged() === 0);
    const more = SHARE_BYTES + 1;
    assert.equal(connection.enqueueAndFlush(new Uint8Array(more), SendFlag.COPY), more);
    assert.equal(budget.excessBytes, CREDIT_BYTES);
    peer.pause();
    while (connection.enqueueAndFlush(new Uint8Array(CREDIT_BYTES), SendFlag.COPY) > 0);
    const outstanding = connection.unacknowledged();
    assert.ok(outstanding > SHARE_BYTES + CREDIT_BYTES, `${outstanding} bytes`);
    assert.equal(budget.excessBytes, outstanding - SHARE_BYTES);
    connection.abort();
    assert.equal(budget.excessBytes, 0);
  },
);

const isExact = addon !== undefined && new KernelStack(addon).capabilities.receiveWindow === 'exact';
const whyNotExact = isExact
  ? false
  : (reason ?? 'this kernel cannot leave the window closed: before Linux 6.9');

it('a withheld window is looked at soon behind slow checks', { skip: whyNotExact }, async (test) => {
  const made = await connected(test);
  const { connection, receiver, peer } = made;
  await sendInVain(made);
  const isDue = isDueWithin(SOON_MS, connection);
  // The second piece is the first that stays in the kernel.
  for (const bytes of [1000, 2000]) {
    peer.write(new Uint8Array(1000));
    await until(() => receiver.received === bytes);
  }
  assert.ok(await isDue);
});

it('after progress, acknowledgements are asked for soon', { skip: reason ?? false }, async (test) => {
  const made = await connected(test);
  const { connection, receiver, peer } = made;
  await sendInVain(made);
  const told = receiver.acknowledged;
  peer.once('data', () => peer.pause());
  peer.resume();
  await until(() => receiver.acknowledged > told);
  assert.ok(await isDueWithin(SOON_MS, connection));
});

it('pieces that wait are the caller’s no more', { skip: reason ?? false }, async (test) => {
  const { connection, peer } = await connected(test);
  const pieces = [new Uint8Array(5).fill(1), new Uint8Array(700_000).fill(2), new Uint8Array(6).fill(3)];
  let sent = 0;
  let taken: number;
  do {
    taken = connection.enqueueAllAndFlush(pieces);
    sent += taken;
  } while (taken === 700_011);
  assert.ok(connection.queued() > 0, 'the peer’s window is full');
  for (const piece of pieces) piece.fill(9);
  let got = 0;
  let changed = 0;
  peer.on('data', (bytes: Buffer) => {
    got += bytes.length;
    if (bytes.includes(9)) changed += 1;
  });
  peer.resume();
  await until(() => got === sent);
  assert.equal(changed, 0);
});

it('a close behind both FINs waits for acknowledgements once', { skip: reason ?? false }, async (test) => {
  const { stack, connection, receiver, peer } = await connected(test);
  receiver.mayEnd = true;
  // The kernel takes the bytes, and the peer has no room for them.
  const bytes = 500_000;
  assert.equal(connection.enqueueAndFlush(new Uint8Array(bytes), SendFlag.COPY), bytes);
  connection.shutdown();
  peer.end();
  await until(() => receiver.hasEnded && stack.lingerers.size > 0);
  assert.ok(connection.unacknowledged() > 0);
  connection.close();
  assert.equal(stack.lingerers.size, 1);
  connection.abort();
  assert.deepEqual([stack.lingerers.size, stack.timers.size], [0, 0]);
});

it(
  'what was received in the poll of a hold comes before the end, behind our FIN',
  { skip: reason ?? false },
  async (test) => {
    const other = await connected(test);
    const { connection, receiver, peer } = await connected(test);
    receiver.mayEnd = true;
    other.receiver.whenReceived = () => {
      connection.setReading(false);
    };
    // Both are ready in one poll, the other connection first.
    other.peer.write('x');
    peer.end('held');
    await until(() => other.receiver.received > 0);
    // The FIN is here, and not shown: data waits before it.
    await nextTurns();
    assert.equal(connection.state(), TcpState.ESTABLISHED);
    connection.shutdown();
    // A posted job sends the FIN.
    await nextTurns();
    assert.deepEqual([receiver.received, receiver.hasEnded, receiver.hasClosed], [0, false, false]);
    connection.setReading(true);
    await until(() => receiver.hasClosed);
    assert.deepEqual([receiver.received, receiver.hasEnded], [4, true]);
  },
);

/** A connection that the program has closed, and that waits for its peer. */
async function lingering(test: TestContext) {
  assert.ok(addon !== undefined);
  const clock = new SteppedClock();
  const { stack, connection, receiver, peer } = await connected(test, new KernelStack(addon, { clock }));
  receiver.mayEnd = true;
  connection.close();
  await until(() => receiver.hasClosed);
  const hear = async (): Promise<void> => {
    // The kernel's clock goes by steps: a segment within the same step does not count as new.
    const sinceMs = performance.now();
    await until(() => performance.now() - sinceMs > 100);
    peer.write('still here');
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { stack, clock, peer, hear };
}

it('a lingering socket waits on for a peer that is heard of', { skip: reason ?? false }, async (test) => {
  const { stack, clock, hear } = await lingering(test);
  assert.equal(stack.lingerers.size, 1);
  for (let round = 0; round < 3; round += 1) {
    await hear();
    clock.stall(FIN_WAIT_MS);
    assert.equal(stack.lingerers.size, 1);
  }
  clock.stall(FIN_WAIT_MS);
  assert.equal(stack.lingerers.size, 0);
  assert.equal(stack.timers.size, 0);
});

it('a lingering socket does not wait for ever', { skip: reason ?? false }, async (test) => {
  const { stack, clock, peer, hear } = await lingering(test);
  for (let atMs = FIN_WAIT_MS; atMs < LONGEST_LINGER_MS; atMs += FIN_WAIT_MS) {
    await hear();
    clock.stall(FIN_WAIT_MS);
    assert.equal(stack.lingerers.size, 1);
  }
  peer.write('on and on');
  clock.stall(FIN_WAIT_MS);
  assert.equal(stack.lingerers.size, 0);
});

it(
  'the peer’s FIN behind ours is reported while nothing is read',
  { skip: reason ?? false },
  async (test) => {
    const { connection, receiver, peer } = await connected(test);
    receiver.mayEnd = true;
    connection.setReading(false);
    connection.shutdown();
    await until(() => connection.state() === TcpState.FIN_WAIT_2);
    peer.end();
    await until(() => receiver.hasEnded && receiver.hasClosed);
  },
);

it(
  'space is reported once when it is there, later than the call',
  { skip: reason ?? false },
  async (test) => {
    const { connection, receiver, peer } = await connected(test);
    const chunk = new Uint8Array(1024 * 1024);
    while (connection.enqueueAndFlush(chunk, 0) > 0);
    const wanted = 2 * chunk.length;
    connection.setWantsSpace(wanted);
    assert.equal(receiver.spaceFreed, 0);
    peer.resume();
    await until(() => receiver.spaceFreed > 0);
    assert.ok(connection.sendSpace() >= wanted);
    await until(() => connection.unacknowledged() === 0);
    assert.deepEqual([receiver.spaceFreed, receiver.acknowledged], [1, 0]);
    connection.setWantsSpace(1);
    assert.equal(receiver.spaceFreed, 1);
    await until(() => receiver.spaceFreed === 2);
  },
);

it(
  'the kernel has taken everything: reported after bytes were queued',
  { skip: reason ?? false },
  async (test) => {
    const { connection, receiver, peer } = await connected(test);
    connection.setReportsDrained(true);
    connection.enqueueAndFlush(new Uint8Array(10), SendFlag.COPY);
    assert.equal(connection.queued(), 0);
    const chunk = new Uint8Array(1024 * 1024);
    while (connection.enqueueAndFlush(chunk, 0) > 0);
    assert.ok(connection.queued() > 0, 'the peer has no room for it');
    assert.equal(receiver.drained, 0);
    peer.resume();
    await until(() => receiver.drained > 0);
    assert.deepEqual([receiver.drained, connection.queued()], [1, 0]);
  },
);

it(
  'a dropped connection is left to the kernel, and reports nothing',
  { skip: reason ?? false },
  async (test) => {
    const { stack, connection, peer } = await connected(test);
    let received = 0;
    peer.on('data', (data) => (received += data.length));
    peer.resume();
    const ended = once(peer, 'end');
    connection.enqueueAndFlush(new Uint8Array(1000), SendFlag.COPY);
    assert.deepEqual(stack.holdings(), {
      connections: 1,
      attempts: 0,
      listeners: 0,
      lingering: 0,
      timers: 0,
    });
    connection.drop();
    assert.deepEqual(stack.holdings(), {
      connections: 0,
      attempts: 0,
      listeners: 0,
      lingering: 0,
      timers: 0,
    });
    await ended;
    assert.equal(received, 1000);
  },
);

it(
  'bytes that MORE held back are drained as well, and nothing is reported that is unwanted by then',
  { skip: reason ?? false },
  async (test) => {
    const { connection, receiver } = await connected(test);
    connection.setReportsDrained(true);
    connection.enqueueAndFlush(new Uint8Array(5000), SendFlag.MORE);
    assert.equal(connection.queued(), 5000);
    await until(() => receiver.drained > 0);
    assert.deepEqual([receiver.drained, connection.queued()], [1, 0]);
    connection.enqueueAndFlush(new Uint8Array(5000), SendFlag.MORE);
    await new Promise((resolve) => setImmediate(resolve));
    connection.setReportsDrained(false);
    await nextTurns();
    assert.equal(receiver.drained, 1);
  },
);

it('a wish for space is followed soon, also behind slow checks', { skip: reason ?? false }, async (test) => {
  const made = await connected(test);
  const { connection, receiver, peer } = made;
  await sendInVain(made);
  connection.setReportsAcks(false);
  connection.setWantsSpace(1);
  assert.ok(await isDueWithin(SOON_MS, connection));
  peer.resume();
  await until(() => receiver.spaceFreed > 0);
});

it(
  'an attempt that the system refuses at once is counted, cancelled and closed as others are',
  { skip: reason ?? false },
  async () => {
    assert.ok(addon !== undefined);
    const stack = new KernelStack(addon);
    // RFC 5737: no machine has this local address.
    const target = { address: '127.0.0.1', port: 1, localAddress: '203.0.113.1', localPort: 0 };
    let failures = 0;
    const events = {
      onConnected: () => assert.fail('no connection can stand'),
      onFailed: () => {
        failures += 1;
      },
    };
    stack.connect(target, events);
    stack.connect(target, events).cancel();
    assert.equal(stack.holdings().attempts, 1);
    await until(() => failures === 1);
    stack.connect(target, events);
    await stack.close();
    await nextTurns();
    assert.deepEqual([failures, stack.holdings().attempts], [1, 0]);
  },
);
