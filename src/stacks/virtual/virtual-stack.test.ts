import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { ErrorCode } from '../../port/error-code.js';
import { enqueueAllAndFlush } from '../../port/enqueue-all.js';
import type { Connection, ConnectionEvents, Fault, Listener } from '../../port/tcp-stack.js';
import { TcpState } from '../../port/tcp-state.js';
import { Network } from '../../sim/network.js';
import { enterCallback, leaveCallback } from '../../support/callback-scope.js';
import { Timer } from '../../support/timers.js';
import { JOIN_MS, WINDOW_BYTES_PER_PIECE } from './piece-pace.js';
import { SHARE_BYTES } from './send-shares.js';
import { VirtualConnection } from './virtual-connection.js';
import type { VirtualStack, VirtualStackLimits } from './virtual-stack.js';

const PORT = 80;
const COPY = 1;
const COPY_AND_MORE = 3;
/** Time in which everything that is on the way arrives, delayed acknowledgements too. */
const SETTLED_MS = 1000;

/** One end of a connection, with what has happened to it. */
class End implements ConnectionEvents {
  readonly connection: Connection;
  readonly events: string[] = [];
  onBytes: (bytes: Uint8Array) => void = (bytes) => {
    this.connection.consume(bytes.length);
  };

  constructor(connection: Connection) {
    this.connection = connection;
  }

  onData(bytes: Uint8Array): void {
    this.events.push(`data ${bytes.length}`);
    this.onBytes(bytes);
  }

  onAcked(bytes: number): void {
    this.events.push(`acked ${bytes}`);
  }

  onSpaceFreed(): void {
    this.events.push('space');
  }

  onDrained(): void {
    this.events.push('drained');
  }

  onEnd(): void {
    this.events.push('end');
  }

  onClosed(fault: Fault | undefined): void {
    this.events.push(fault === undefined ? 'closed' : `fault ${fault.code}`);
  }
}

describe('the virtual stack', () => {
  let network: Network;
  let near: VirtualStack;
  let far: VirtualStack;
  /** Ports of the segments with data, in the order in which they left `near`. */
  let left: number[];

  function build(limits: VirtualStackLimits = {}): void {
    network = new Network({ seed: 1 });
    const nearHost = network.host('near', { address: '10.0.0.1', limits });
    const farHost = network.host('far', { address: '10.0.0.2', limits });
    const link = network.link(nearHost, farHost, { delayMs: 1 });
    left = [];
    link.add((packet) => {
      if (packet.payloadBytes > 0 && packet.source === '10.0.0.1') left.push(packet.sourcePort);
      return undefined;
    });
    near = nearHost.stack;
    far = farHost.stack;
  }

  beforeEach(() => {
    build();
  });

  function listen(
    onAccepted: (connection: Connection) => ConnectionEvents | undefined,
    port = PORT,
  ): Listener {
    const opened = far.listen(
      { address: undefined, port, backlog: undefined, reusePort: false },
      {
        onListening: () => undefined,
        onFailed: () => assert.fail('listening fails'),
        onAccepted,
        onAcceptFailed: () => assert.fail('accepting fails'),
      },
    );
    assert.ok('local' in opened);
    return opened;
  }

  function pairs(count: number): { readonly near: End; readonly far: End }[] {
    const fars: End[] = [];
    const nears: End[] = [];
    const listener = listen((connection) => {
      const end = new End(connection);
      fars.push(end);
      return end;
    });
    for (let index = 0; index < count; index += 1) {
      near.connect(
        { address: '10.0.0.2', port: PORT, localPort: 0 },
        {
          onConnected: (connection) => {
            const end = new End(connection);
            nears.push(end);
            return end;
          },
          onFailed: () => assert.fail('connecting fails'),
        },
      );
    }
    network.runSync(SETTLED_MS);
    listener.close();
    return nears.map((end) => {
      const other = fars.find(({ connection }) => connection.remote.port === end.connection.local.port);
      assert.ok(other !== undefined);
      return { near: end, far: other };
    });
  }

  function pair(): { readonly near: End; readonly far: End } {
    const [first] = pairs(1);
    assert.ok(first !== undefined);
    return first;
  }

  it('runs events, then posted jobs, then due timers, and a job of a job in the next turn', () => {
    const order: string[] = [];
    const ends = pair();
    ends.near.onBytes = (bytes) => {
      order.push('event');
      ends.near.connection.consume(bytes.length);
      near.timers.arm(new Timer({ due: () => order.push('timer') }), near.clock.nowMs());
      near.post(() => {
        order.push('job');
        near.post(() => order.push('job of a job'));
      });
    };
    ends.far.connection.enqueueAndFlush(new Uint8Array(1), COPY);
    network.runSync(10);
    assert.deepEqual(order, ['event', 'job', 'timer', 'job of a job']);
  });

  it('calls no event inside of a method', () => {
    let isInside = true;
    near.connect(
      { address: '10.0.0.9', port: 1, localPort: 0, localAddress: '10.0.0.7' },
      {
        onConnected: () => assert.fail('it connects'),
        onFailed: ({ code }) => {
          assert.equal(isInside, false);
          assert.equal(code, ErrorCode.ERR_VAL);
        },
      },
    );
    isInside = false;
    assert.equal(near.holdings().attempts, 1);
    network.runSync(1);
    assert.equal(near.holdings().attempts, 0);
  });

  it('names the fault of a port that is in use, of one that nobody has, and of a silent host', () => {
    listen(() => undefined);
    const second = far.listen(
      { address: '10.0.0.2', port: PORT, backlog: undefined, reusePort: false },
      {
        onListening: () => undefined,
        onFailed: () => undefined,
        onAccepted: () => undefined,
        onAcceptFailed: () => undefined,
      },
    );
    assert.ok('code' in second);
    assert.equal(second.code, ErrorCode.ERR_USE);
    assert.equal(second.cause?.message, 'listen on 10.0.0.2 port 80: it is in use');
    const faults: string[] = [];
    const onFailed = ({ code, cause }: Fault): void => {
      faults.push(`${code} ${cause?.message ?? ''}`);
    };
    const onConnected = (): ConnectionEvents => assert.fail('it connects');
    near.connect({ address: '10.0.0.2', port: 81, localPort: 0 }, { onConnected, onFailed });
    network.runSync(100);
    assert.deepEqual(faults, ['-14 connect to 10.0.0.2 port 81: nothing listens there']);
  });

  it('refuses a connection whose receiver is undefined with a reset', () => {
    listen(() => undefined);
    let end: End | undefined;
    near.connect(
      { address: '10.0.0.2', port: PORT, localPort: 0 },
      { onConnected: (connection) => (end = new End(connection)), onFailed: () => assert.fail('it fails') },
    );
    network.runSync(SETTLED_MS);
    assert.deepEqual(end?.events, [`fault ${ErrorCode.ERR_RST}`]);
    assert.equal(end.connection.state(), TcpState.CLOSED);
  });

  it('sends nothing that was only enqueued, and lent bytes as they are when they are flushed', () => {
    const ends = pair();
    const lent = new Uint8Array([1, 2, 3]);
    assert.equal(ends.near.connection.enqueue(lent, 0), 3);
    network.runSync(SETTLED_MS);
    assert.deepEqual([left, ends.near.connection.unacknowledged()], [[], 3]);
    lent.fill(9);
    let got: number[] = [];
    ends.far.onBytes = (bytes) => (got = [...bytes]);
    ends.near.connection.flush();
    network.runSync(SETTLED_MS);
    assert.deepEqual([got, ends.near.connection.unacknowledged()], [[9, 9, 9], 0]);
  });

  it('sends pieces in one segment, behind what was only enqueued, and as many bytes as there is space', () => {
    const { near: from, far: to } = pair();
    const pieces = [Uint8Array.of(2, 3), Uint8Array.of(4)];
    const got: number[][] = [];
    to.onBytes = (bytes) => {
      got.push([...bytes]);
      to.connection.consume(bytes.length);
    };
    assert.equal(enqueueAllAndFlush(from.connection, pieces), 3);
    network.runSync(SETTLED_MS);
    from.connection.enqueue(Uint8Array.of(1), COPY);
    assert.equal(enqueueAllAndFlush(from.connection, pieces), 3);
    network.runSync(SETTLED_MS);
    assert.deepEqual(got, [
      [2, 3, 4],
      [1, 2, 3, 4],
    ]);
    const space = from.connection.sendSpace();
    const large = new Uint8Array(space - 1);
    assert.equal(enqueueAllAndFlush(from.connection, [large, large, large]), space);
  });

  it('carries the largest segments of a host to itself', () => {
    for (const address of ['127.0.0.1', '10.0.0.1', '::1']) {
      build();
      const bytes = 200_000;
      let got = 0;
      const opened = near.listen(
        { address: undefined, port: PORT, backlog: undefined, reusePort: false },
        {
          onListening: () => undefined,
          onFailed: () => assert.fail('listening fails'),
          onAccepted: (connection) => {
            const end = new End(connection);
            end.onBytes = ({ length }) => {
              got += length;
              connection.consume(length);
            };
            return end;
          },
          onAcceptFailed: () => assert.fail('accepting fails'),
        },
      );
      assert.ok('local' in opened);
      let from: End | undefined;
      near.connect(
        { address, port: PORT, localPort: 0 },
        {
          onConnected: (connection) => (from = new End(connection)),
          onFailed: () => assert.fail('connecting fails'),
        },
      );
      network.runSync(SETTLED_MS);
      assert.ok(from !== undefined);
      let toWrite = bytes;
      while (toWrite > 0) {
        toWrite -= from.connection.enqueueAndFlush(new Uint8Array(toWrite), COPY);
        network.runSync(SETTLED_MS);
      }
      assert.equal(got, bytes, address);
    }
  });

  it('sends what MORE has held back also if TCP does not take all of it at once', () => {
    const { near: from, far: to } = pair();
    const { connection } = from;
    assert.ok(connection instanceof VirtualConnection);
    const { socket } = connection;
    const write = socket.write.bind(socket);
    // As lwIP's queue of segments, which may be full although there is space for bytes.
    Reflect.set(socket, 'write', (bytes: Uint8Array) => write(bytes.subarray(0, 2)));
    connection.enqueue(new Uint8Array(5), COPY_AND_MORE);
    connection.flush();
    network.runSync(SETTLED_MS);
    assert.deepEqual([connection.queued(), to.events], [0, ['data 2', 'data 2', 'data 1']]);
    // A rest that was flushed without MORE does not wait for a later flush with MORE either.
    connection.enqueue(new Uint8Array(5), COPY);
    connection.flush();
    connection.enqueue(new Uint8Array(5), COPY_AND_MORE);
    connection.flush();
    network.runSync(SETTLED_MS);
    assert.deepEqual([connection.queued(), connection.unacknowledged()], [0, 0]);
    connection.enqueue(new Uint8Array(5), COPY_AND_MORE);
    connection.close();
    network.runSync(SETTLED_MS);
    assert.equal(connection.unacknowledged(), 0);
    assert.equal(to.events.at(-1), 'end');
  });

  it('gathers the writes of a callback, and keeps the order of the calls across connections', () => {
    const [a, b] = pairs(2);
    assert.ok(a !== undefined && b !== undefined);
    const [portA, portB] = [a.near.connection.local.port, b.near.connection.local.port];
    enterCallback();
    for (let time = 0; time < 3; time += 1) a.near.connection.enqueueAndFlush(new Uint8Array(10), COPY);
    assert.deepEqual(left, [], 'nothing leaves before the callback returns');
    b.near.connection.enqueueAndFlush(new Uint8Array(10), COPY);
    leaveCallback();
    network.runSync(SETTLED_MS);
    assert.deepEqual(left, [portA, portB]);
    assert.deepEqual([a.far.events, b.far.events], [['data 30'], ['data 10']]);
  });

  it('keeps a view valid until onData returns, also if the program aborts and writes elsewhere', () => {
    const [a, b] = pairs(2);
    assert.ok(a !== undefined && b !== undefined);
    a.near.connection.setTakesViews(true);
    let seen: number[] = [];
    a.near.onBytes = (bytes) => {
      a.near.connection.abort();
      b.near.connection.enqueueAndFlush(new Uint8Array(100).fill(7), COPY);
      seen = [...bytes];
    };
    a.far.connection.enqueueAndFlush(new Uint8Array(100).fill(5), COPY);
    network.runSync(SETTLED_MS);
    assert.deepEqual(seen, new Array(100).fill(5));
    assert.deepEqual([a.far.events, b.far.events], [[`fault ${ErrorCode.ERR_RST}`], ['data 100']]);
  });

  it('leaves data in the receive buffer while reading is off, and reports FIN behind it', () => {
    const ends = pair();
    ends.near.connection.setReading(false);
    ends.far.connection.enqueueAndFlush(new Uint8Array(500), COPY);
    ends.far.connection.shutdown();
    network.runSync(SETTLED_MS);
    assert.deepEqual(ends.near.events, []);
    assert.equal(ends.near.connection.undelivered?.(), 500);
    assert.equal(ends.near.connection.state(), TcpState.ESTABLISHED);
    ends.near.connection.setReading(true);
    network.runSync(SETTLED_MS);
    assert.deepEqual(ends.near.events, ['data 500', 'end']);
    assert.equal(ends.near.connection.state(), TcpState.CLOSE_WAIT);
  });

  it('withholds one piece for each 256 bytes of the window, and joins what comes then', () => {
    build({ receiveWindowBytes: 4 * WINDOW_BYTES_PER_PIECE });
    const ends = pair();
    ends.near.onBytes = () => undefined;
    for (let piece = 0; piece < 8; piece += 1) {
      ends.far.connection.enqueueAndFlush(new Uint8Array(1), COPY);
      network.runSync(JOIN_MS / 10);
    }
    assert.deepEqual(ends.near.events, new Array(4).fill('data 1'));
    network.runSync(JOIN_MS);
    assert.deepEqual(ends.near.events.slice(4), ['data 4']);
  });

  it('takes no more than the budget beyond each share', () => {
    build({ sendBufferBytes: 4 * SHARE_BYTES, sendBudgetBytes: 2 * SHARE_BYTES, receiveWindowBytes: 1024 });
    const [a, b] = pairs(2);
    assert.ok(a !== undefined && b !== undefined);
    for (const { far: end } of [a, b]) end.connection.setReading(false);
    const much = new Uint8Array(4 * SHARE_BYTES);
    assert.equal(a.near.connection.enqueueAndFlush(much, COPY), 2 * SHARE_BYTES);
    assert.equal(b.near.connection.enqueueAndFlush(much, COPY), SHARE_BYTES);
    assert.equal(b.near.connection.hasSpaceFor(1), false);
    a.near.connection.abort();
    assert.equal(b.near.connection.sendSpace(), SHARE_BYTES);
  });

  it('reports space and acknowledgements once each, when they were asked for', () => {
    build({ sendBufferBytes: 1000 });
    const ends = pair();
    const { connection } = ends.near;
    assert.equal(connection.enqueueAndFlush(new Uint8Array(2000), COPY), 1000);
    connection.setWantsSpace(500);
    network.runSync(SETTLED_MS);
    assert.deepEqual(ends.near.events, ['space']);
    connection.setReportsAcks(true);
    network.runSync(SETTLED_MS);
    assert.deepEqual(ends.near.events, ['space', 'acked 1000']);
  });

  it('resets a closing connection that makes no progress, and says so', () => {
    build({ closeTimeoutMs: 5000, receiveWindowBytes: 1000 });
    const ends = pair();
    ends.far.connection.setReading(false);
    ends.near.connection.enqueueAndFlush(new Uint8Array(3000), COPY);
    network.runSync(SETTLED_MS);
    ends.near.connection.close();
    network.runSync(4999);
    assert.deepEqual(ends.near.events, []);
    network.runSync(10);
    assert.deepEqual(ends.near.events, [`fault ${ErrorCode.ERR_TIMEOUT}`]);
    assert.equal(ends.near.connection.state(), TcpState.CLOSED);
  });

  it('counts a closed connection as lingering until the peer has ended, 20 s at most', () => {
    const ends = pair();
    ends.near.connection.close();
    network.runSync(SETTLED_MS);
    assert.deepEqual(ends.near.events, ['closed']);
    assert.deepEqual([near.holdings().connections, near.holdings().lingering], [0, 1]);
    network.runSync(20_000);
    assert.deepEqual(near.holdings(), { connections: 0, attempts: 0, listeners: 0, lingering: 0, timers: 0 });
    assert.deepEqual(ends.far.events, ['end', `fault ${ErrorCode.ERR_RST}`]);
  });

  it('drop() leaves to TCP what was flushed, and resets if data is unread', () => {
    const [a, b] = pairs(2);
    assert.ok(a !== undefined && b !== undefined);
    a.near.connection.enqueueAndFlush(new Uint8Array(10), COPY);
    a.near.connection.drop();
    b.near.connection.setReading(false);
    b.far.connection.enqueueAndFlush(new Uint8Array(10), COPY);
    network.runSync(SETTLED_MS);
    b.near.connection.drop();
    network.runSync(SETTLED_MS);
    assert.deepEqual(a.far.events, ['data 10', 'end']);
    assert.deepEqual(b.far.events, [`fault ${ErrorCode.ERR_RST}`]);
    assert.deepEqual([a.near.events, b.near.events], [[], []]);
  });

  it('is harmless after the end, and close() of the stack leaves nothing', async () => {
    const ends = pair();
    listen(() => undefined, 8080);
    await far.close();
    network.runSync(SETTLED_MS);
    assert.deepEqual(far.holdings(), { connections: 0, attempts: 0, listeners: 0, lingering: 0, timers: 0 });
    assert.deepEqual([ends.near.events, ends.far.events], [[`fault ${ErrorCode.ERR_RST}`], []]);
    const { connection } = ends.far;
    assert.equal(connection.enqueueAndFlush(new Uint8Array(1), COPY), 0);
    assert.deepEqual(
      [connection.sendSpace(), connection.unacknowledged(), connection.queued(), connection.mss()],
      [0, 0, 0, 0],
    );
    connection.close();
    connection.shutdown();
    connection.setNoDelay(true);
    connection.setKeepAlive(1000, 1000, 3);
    connection.abort();
    assert.equal(connection.state(), TcpState.CLOSED);
  });

  it('answers a look-up later, once, and not after it was cancelled', () => {
    const answers: string[] = [];
    near.resolve('far', (fault, addresses) => answers.push(`far ${fault?.code ?? ''}${addresses.join()}`));
    near.resolve('nobody', (fault) => answers.push(`nobody ${fault?.code ?? ''}`));
    near.resolve('far', () => answers.push('cancelled'))();
    assert.deepEqual(answers, []);
    network.runSync(1);
    assert.deepEqual(answers, ['far 10.0.0.2', `nobody ${ErrorCode.ERR_DNS}`]);
  });
});
