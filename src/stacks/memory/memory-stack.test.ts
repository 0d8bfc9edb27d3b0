/** Promises of the port (`port/tcp-stack.ts`), on its shortest implementation. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../port/error-code.js';
import {
  SendFlag,
  type Connection,
  type ConnectionEvents,
  type Fault,
  type Listener,
  type ListenTarget,
} from '../../port/tcp-stack.js';
import { TcpState } from '../../port/tcp-state.js';
import { Timer } from '../../support/timers.js';
import { CONNECT_TIMEOUT_MS } from './memory-attempt.js';
import { MemoryStack, type MemoryStackOptions } from './memory-stack.js';
import { PORTS } from './ports.js';

const { ERR_BUF, ERR_DNS, ERR_IF, ERR_MEM, ERR_RST, ERR_RTE, ERR_TIMEOUT, ERR_USE } = ErrorCode;

/** One end: a record of its events, and its reactions to them. */
class Program implements ConnectionEvents {
  readonly connection: Connection;
  readonly told: string[] = [];
  /** Bytes that were received and not consumed. */
  withheld = 0;
  /** True if it consumes at once. */
  reads = true;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  onData(bytes: Uint8Array): void {
    this.told.push(new TextDecoder().decode(bytes));
    if (this.reads) this.connection.consume(bytes.length);
    else this.withheld += bytes.length;
  }

  onAcked(bytes: number): void {
    this.told.push(`acked ${bytes}`);
  }

  onSpaceFreed(): void {
    this.told.push(`space ${this.connection.sendSpace()}`);
  }

  onDrained(): void {
    this.told.push('drained');
  }

  onEnd(): void {
    this.told.push('end');
  }

  onClosed(fault: Fault | undefined): void {
    this.told.push(fault === undefined ? 'closed' : `fault ${fault.code}`);
  }

  send(text: string): number {
    return this.connection.enqueueAndFlush(new TextEncoder().encode(text), SendFlag.COPY);
  }
}

interface Listening {
  readonly listener: Listener;
  readonly accepted: Program[];
  readonly failed: Fault[];
}

function listen(stack: MemoryStack, target: Partial<ListenTarget> = {}, reads = true): Listening {
  const accepted: Program[] = [];
  const failed: Fault[] = [];
  const whole = { address: '127.0.0.1', port: 0, backlog: undefined, reusePort: false, ...target };
  const listener = stack.listen(whole, {
    onListening: () => undefined,
    onFailed: (fault) => failed.push(fault),
    onAccepted: (connection) => {
      const program = new Program(connection);
      program.reads = reads;
      accepted.push(program);
      return program;
    },
    onAcceptFailed: (fault) => failed.push(fault),
  });
  assert.ok('local' in listener, 'it listens');
  return { listener, accepted, failed };
}

/** Connects, and returns the end or why there is none. */
async function connect(
  stack: MemoryStack,
  address: string,
  port: number,
  options: { localAddress?: string; localPort?: number; reusePort?: boolean } = {},
): Promise<Program | Fault> {
  const outcome = new Promise<Program | Fault>((resolve) => {
    stack.connect(
      { address, port, localPort: 0, ...options },
      {
        onConnected: (connection) => {
          const program = new Program(connection);
          resolve(program);
          return program;
        },
        onFailed: resolve,
      },
    );
  });
  await stack.settle();
  return outcome;
}

async function codeOf(outcome: Promise<Program | Fault>): Promise<ErrorCode | undefined> {
  const result = await outcome;
  return result instanceof Program ? undefined : result.code;
}

interface Pair {
  readonly stack: MemoryStack;
  readonly near: Program;
  readonly far: Program;
}

async function pair(options: MemoryStackOptions = {}): Promise<Pair> {
  const stack = new MemoryStack(options);
  const { listener, accepted } = listen(stack);
  const near = await connect(stack, '127.0.0.1', listener.local.port);
  listener.close();
  const [far] = accepted;
  assert.ok(near instanceof Program && far !== undefined, 'both ends stand');
  return { stack, near, far };
}

const NOTHING = { connections: 0, attempts: 0, listeners: 0, lingering: 0, timers: 0 };

describe('a turn', () => {
  it('has events with their microtasks, then jobs, then due timers; a job of a job is for the next', async () => {
    const { stack, near, far } = await pair();
    const log: string[] = [];
    const timer = new Timer({ due: () => log.push('timer') });
    near.onData = () => {
      log.push('near');
      stack.timers.arm(timer, stack.clock.nowMs());
      stack.post(() => {
        log.push('job');
        stack.post(() => log.push('next job'));
      });
      void Promise.resolve().then(() => Promise.resolve().then(() => log.push('microtask')));
      process.nextTick(() => log.push('tick'));
    };
    far.onData = () => log.push('far');
    far.send('.');
    near.send('.');
    await stack.settle();
    assert.deepEqual(log, ['near', 'tick', 'microtask', 'far', 'job', 'timer', 'next job']);
  });

  it('runs by itself, without a step of the clock', async () => {
    const stack = new MemoryStack();
    const { listener } = listen(stack);
    const outcome = await new Promise((resolve) => {
      const target = { address: '127.0.0.1', port: listener.local.port, localPort: 0 };
      stack.connect(target, { onConnected: (made) => new Program(made), onFailed: resolve });
      stack.timers.arm(new Timer({ due: () => resolve('timer') }), 0);
    });
    assert.equal(outcome, 'timer');
  });

  it('goes on after an event that throws', async () => {
    const { stack, near, far } = await pair();
    const uncaught: unknown[] = [];
    process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
    try {
      near.onData = () => {
        throw new Error('thrown in an event');
      };
      far.send('.');
      near.send('.');
      await stack.settle();
      far.connection.shutdown();
      await stack.settle();
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
    assert.deepEqual(
      [uncaught.map(String), far.told, near.told],
      [['Error: thrown in an event'], ['.'], ['end']],
    );
  });

  it('reports every kind of event, also while another kind is busy', async () => {
    const { stack, near, far } = await pair({ sendBufferBytes: 1000 });
    let bytes = 0;
    for (const end of [near, far]) {
      const refill = (): void => {
        if (bytes < 100_000) while (end.connection.enqueueAndFlush(new Uint8Array(100), SendFlag.COPY) > 0);
      };
      end.onData = (data) => {
        bytes += data.length;
        end.connection.consume(data.length);
      };
      end.onAcked = refill;
      end.connection.setReportsAcks(true);
      refill();
    }
    await stack.settle();
    assert.ok(bytes >= 100_000);
  });
});

describe('connecting', () => {
  it('reaches listeners by address and port, and is IPv4 where the peer is', async () => {
    const stack = new MemoryStack();
    const every = listen(stack, { address: undefined });
    const own = listen(stack, { address: '2001:DB8::0:1', port: every.listener.local.port + 1 });
    const { port } = every.listener.local;
    assert.equal(every.listener.local.address, '::');
    const ways: [address: string, port: number, seen: string][] = [
      ['127.0.0.1', port, '127.0.0.1'],
      ['127.0.0.9', port, '127.0.0.9'],
      ['::1', port, '::1'],
      ['0:0:0:0:0:0:0:1', port, '::1'],
      ['::ffff:127.0.0.1', port, '127.0.0.1'],
      ['0.0.0.0', port, '127.0.0.1'],
      ['::', port, '::1'],
      ['2001:db8::1', port + 1, '2001:db8::1'],
      ['2001:db8::1', port, '2001:db8::1'],
    ];
    for (const [address, to, seen] of ways) {
      const near = await connect(stack, address, to);
      const far = [...every.accepted, ...own.accepted].at(to === port ? every.accepted.length - 1 : -1);
      assert.ok(near instanceof Program && far !== undefined, address);
      assert.equal(near.connection.remote.address, seen);
      assert.deepEqual(near.connection.local, { ...far.connection.remote });
    }
  });

  it('is refused where nothing listens, and finds no route to an address that no machine has', async () => {
    const stack = new MemoryStack();
    const { listener } = listen(stack, { address: '192.0.2.1' });
    assert.equal(await codeOf(connect(stack, '192.0.2.1', listener.local.port + 1)), ERR_RST);
    assert.equal(await codeOf(connect(stack, '127.0.0.1', listener.local.port)), ERR_RST);
    assert.equal(await codeOf(connect(stack, '192.0.2.2', listener.local.port)), ERR_RTE);
    listener.close();
    assert.equal(await codeOf(connect(stack, '192.0.2.1', listener.local.port)), ERR_RTE);
    assert.deepEqual(stack.holdings(), NOTHING);
  });

  it('takes its local port, which no other socket may have unless all share it', async () => {
    const stack = new MemoryStack();
    const { listener } = listen(stack, { reusePort: true });
    const { port } = listener.local;
    const other = listen(stack).listener.local.port;
    const from = { localPort: port, localAddress: '127.0.0.1' };
    assert.equal(await codeOf(connect(stack, '127.0.0.1', other, from)), ERR_USE);
    const shared = await connect(stack, '127.0.0.1', other, { ...from, reusePort: true });
    assert.ok(shared instanceof Program);
    assert.equal(shared.connection.local.port, port);
    const free = { localPort: 1234 };
    const first = await connect(stack, '127.0.0.1', other, free);
    assert.ok(first instanceof Program);
    assert.equal(await codeOf(connect(stack, '127.0.0.1', other, free)), ERR_USE);
    first.connection.abort();
    assert.equal(await codeOf(connect(stack, '127.0.0.1', other, free)), undefined);
  });

  it('fails when all ports are in use, and works again when one is free', async () => {
    const stack = new MemoryStack();
    listen(stack, { port: 7 });
    listen(stack, { port: 8 });
    stack.cut({ port: 7 });
    const events = { onConnected: () => assert.fail('it stands'), onFailed: () => assert.fail('it failed') };
    const target = { address: '127.0.0.1', port: 7, localPort: 0 };
    const attempts = Array.from({ length: PORTS }, () => stack.connect(target, events));
    assert.equal(await codeOf(connect(stack, '127.0.0.1', 8)), ERR_BUF);
    attempts[5]?.cancel();
    assert.equal(await codeOf(connect(stack, '127.0.0.1', 8)), undefined);
  });

  it('is given up without an event, and is over by itself when nothing answers', async () => {
    const stack = new MemoryStack();
    const { listener } = listen(stack);
    const { port } = listener.local;
    stack.cut({ port });
    const faults: Fault[] = [];
    const events = {
      onConnected: () => assert.fail('it stands'),
      onFailed: (fault: Fault) => faults.push(fault),
    };
    const target = { address: '127.0.0.1', port, localPort: 0 };
    stack.connect(target, events).cancel();
    stack.connect(target, events);
    await stack.run(CONNECT_TIMEOUT_MS - 1);
    assert.deepEqual([faults.length, stack.holdings().attempts], [0, 1]);
    await stack.run(1);
    assert.deepEqual([faults.map(({ code }) => code), stack.holdings().attempts], [[ERR_TIMEOUT], 0]);
  });
});

describe('listening', () => {
  it('on a port that is taken is a fault at once, unless all share it; then they take turns', async () => {
    const stack = new MemoryStack();
    const first = listen(stack, { address: undefined, reusePort: true });
    const { port } = first.listener.local;
    const events = {
      onListening: () => assert.fail('it listens'),
      onFailed: () => assert.fail('it failed later'),
      onAccepted: () => undefined,
      onAcceptFailed: () => undefined,
    };
    const refused = stack.listen({ address: '::1', port, backlog: undefined, reusePort: false }, events);
    assert.equal('code' in refused && refused.code, ERR_USE);
    const second = listen(stack, { address: undefined, port, reusePort: true });
    for (let count = 0; count < 4; count += 1) await connect(stack, '::1', port);
    assert.deepEqual([first.accepted.length, second.accepted.length], [2, 2]);
    first.listener.close();
    second.listener.close();
    listen(stack, { port }).listener.close();
  });

  it('shows no connection that is over, and resets those that come as it closes', async () => {
    const stack = new MemoryStack();
    const { listener, accepted } = listen(stack);
    const target = { address: '127.0.0.1', port: listener.local.port, localPort: 0 };
    const told: string[] = [];
    stack.connect(target, {
      onConnected: (connection) => {
        connection.abort();
        return new Program(connection);
      },
      onFailed: () => told.push('failed'),
    });
    stack.connect(target, {
      onConnected: (connection) => {
        listener.close();
        const program = new Program(connection);
        program.onClosed = (fault) => told.push(`fault ${String(fault?.code)}`);
        return program;
      },
      onFailed: () => told.push('failed'),
    });
    await stack.settle();
    assert.deepEqual([told, accepted.length, stack.holdings()], [[`fault ${ERR_RST}`], 0, NOTHING]);
  });
});

describe('a connection that its program does not take', () => {
  for (const side of ['connecting', 'accepting'] as const) {
    it(`because it throws while ${side} is reset, and the stack goes on`, async () => {
      const stack = new MemoryStack();
      const { accepted, listener } = listen(stack);
      const fail = (): never => {
        throw new Error('thrown');
      };
      const refusing = stack.listen(
        { address: '127.0.0.1', port: 7, backlog: undefined, reusePort: false },
        { onListening: () => undefined, onFailed: fail, onAccepted: fail, onAcceptFailed: fail },
      );
      assert.ok('local' in refusing);
      const uncaught: unknown[] = [];
      process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
      let near: Program | Fault | undefined;
      try {
        const target = { address: '127.0.0.1', port: listener.local.port, localPort: 0 };
        if (side === 'connecting') stack.connect(target, { onConnected: fail, onFailed: fail });
        else near = await connect(stack, '127.0.0.1', 7);
        await stack.settle();
      } finally {
        process.setUncaughtExceptionCaptureCallback(null);
      }
      assert.deepEqual(uncaught.map(String), ['Error: thrown']);
      if (near instanceof Program) assert.deepEqual(near.told, [`fault ${ERR_RST}`]);
      assert.deepEqual([accepted.length, stack.holdings()], [0, { ...NOTHING, listeners: 2 }]);
    });
  }
});

describe('bytes', () => {
  it('are acknowledged when they are in the other end’s window, which is exact', async () => {
    const { stack, near, far } = await pair({ sendBufferBytes: 10, receiveWindowBytes: 6 });
    near.connection.setReportsAcks(true);
    near.connection.setReportsDrained(true);
    far.reads = false;
    assert.equal(near.send('0123456789ab'), 10);
    assert.deepEqual([near.connection.sendSpace(), near.connection.queued()], [0, 4]);
    assert.equal(near.connection.unacknowledged(), 10, 'the acknowledgement is on its way');
    await stack.settle();
    assert.deepEqual([far.told, near.told], [['012345'], ['acked 6']]);
    assert.deepEqual([near.connection.sendSpace(), near.connection.unacknowledged()], [6, 4]);
    far.connection.consume(1);
    await stack.settle();
    assert.deepEqual([far.told, near.connection.queued()], [['012345', '6'], 3]);
    far.connection.consume(5);
    await stack.settle();
    assert.deepEqual([far.told.join(' '), near.connection.queued()], ['012345 6 789', 0]);
    assert.deepEqual(near.told, ['acked 6', 'acked 1', 'drained', 'acked 3']);
  });

  it('that leave in one turn arrive as one piece, and none before they are flushed', async () => {
    const { stack, near, far } = await pair();
    near.connection.enqueue(new TextEncoder().encode('a'), SendFlag.COPY);
    await stack.settle();
    assert.deepEqual([far.told, near.connection.queued(), near.connection.unacknowledged()], [[], 0, 1]);
    near.connection.enqueueAndFlush(new TextEncoder().encode('b'), 3);
    near.send('c');
    await stack.settle();
    assert.deepEqual(far.told, ['abc']);
  });

  it('report space once for each wish, as soon as there is as much', async () => {
    const { stack, near, far } = await pair({ sendBufferBytes: 10, receiveWindowBytes: 10 });
    far.connection.setReading(false);
    near.connection.setWantsSpace(10);
    await stack.settle();
    assert.deepEqual(near.told, ['space 10']);
    near.send('0123456789');
    near.send('0123456789');
    near.connection.setWantsSpace(5);
    await stack.settle();
    assert.deepEqual(near.told, ['space 10', 'space 10']);
    near.send('0123456789');
    near.connection.setWantsSpace(1);
    near.connection.setWantsSpace(0);
    far.connection.setReading(true);
    await stack.settle();
    assert.deepEqual(near.told, ['space 10', 'space 10']);
    near.connection.setWantsSpace(11);
    await stack.settle();
    assert.deepEqual(near.told.slice(2), ['space 10'], 'more than it ever has');
  });

  it('that were lent and taken away end the connection, and the peer is reset', async () => {
    const { stack, near, far } = await pair();
    const lent = new Uint8Array(1000);
    near.connection.enqueue(lent, 0);
    structuredClone(lent, { transfer: [lent.buffer] });
    near.connection.flush();
    assert.equal(near.connection.state(), TcpState.CLOSED);
    await stack.settle();
    assert.deepEqual([near.told, far.told], [[`fault ${ERR_IF}`], [`fault ${ERR_RST}`]]);
  });

  it('that were lent are the sender’s again when they are acknowledged, and the receiver’s stay', async () => {
    const { stack, near, far } = await pair();
    const kept: Uint8Array[] = [];
    far.onData = (bytes) => kept.push(bytes);
    const lent = new Uint8Array([1, 2, 3]);
    near.connection.enqueueAndFlush(lent, 0);
    await stack.settle();
    lent.fill(0);
    assert.deepEqual(kept, [new Uint8Array([1, 2, 3])]);
  });

  it('of all connections are bounded by the send budget, and each has a share', async () => {
    const stack = new MemoryStack({ sendBufferBytes: 1_000_000, sendBudgetBytes: 1_048_576 });
    const { listener, accepted } = listen(stack, { receiveWindowBytes: 1 }, false);
    const ends: Program[] = [];
    for (let count = 0; count < 8; count += 1) {
      const near = await connect(stack, '127.0.0.1', listener.local.port);
      assert.ok(near instanceof Program);
      const space = near.connection.sendSpace();
      assert.ok(space >= 65_536, `${space} bytes for connection ${count}`);
      near.connection.enqueueAndFlush(new Uint8Array(1_000_000), SendFlag.COPY);
      ends.push(near);
    }
    const sum = ends.reduce((bytes, { connection }) => bytes + connection.unacknowledged(), 0);
    // One byte of each is in the window of an end that withholds it.
    assert.ok(sum <= 1_048_576 && sum >= 1_048_576 - ends.length, `${sum} bytes`);
    for (const { connection } of accepted) connection.abort();
    await stack.settle();
    const late = await connect(stack, '127.0.0.1', listener.local.port);
    assert.equal(late instanceof Program && late.connection.sendSpace(), 589_824);
  });
});

describe('reading', () => {
  it('that is off delivers nothing from the call on, within the window; on again, everything in order', async () => {
    const { stack, near, far } = await pair({ receiveWindowBytes: 4 });
    near.send('ab');
    far.connection.setReading(false);
    near.send('cdef');
    await stack.settle();
    assert.deepEqual([far.told, near.connection.queued()], [[], 2]);
    far.connection.setReading(true);
    assert.deepEqual(far.told, [], 'not from within the method');
    await stack.settle();
    assert.deepEqual(far.told, ['abcd', 'ef']);
  });

  it('that is off reports an end with no data before it', async () => {
    const { stack, near, far } = await pair();
    far.connection.setReading(false);
    near.connection.shutdown();
    await stack.settle();
    assert.deepEqual([far.told, far.connection.state()], [['end'], TcpState.CLOSE_WAIT]);
  });

  it('that a callback switches off delivers one piece for each time that it is on', async () => {
    const { stack, near, far } = await pair({ receiveWindowBytes: 2 });
    far.onData = (bytes) => {
      far.told.push(new TextDecoder().decode(bytes));
      far.connection.setReading(false);
      far.connection.consume(bytes.length);
    };
    near.send('abcdef');
    for (const seen of [['ab'], ['ab', 'cd'], ['ab', 'cd', 'ef']]) {
      await stack.settle();
      assert.deepEqual(far.told, seen);
      far.connection.setReading(true);
    }
  });
});

describe('the end', () => {
  it('by drop() while the connection is shown brings no event', async () => {
    const stack = new MemoryStack();
    const { listener } = listen(stack);
    const told: string[] = [];
    stack.connect(
      { address: '127.0.0.1', port: listener.local.port, localPort: 0 },
      {
        onConnected: (connection) => {
          connection.drop();
          return {
            onData: () => told.push('data'),
            onAcked: () => told.push('acked'),
            onEnd: () => told.push('end'),
            onClosed: () => told.push('closed'),
          };
        },
        onFailed: () => told.push('failed'),
      },
    );
    await stack.run(1000);
    assert.deepEqual(told, []);
  });

  it('by close() needs acknowledgements: a peer that only sends does not hold it up', async () => {
    const { stack, near, far } = await pair({ receiveWindowBytes: 4, closeTimeoutMs: 1000 });
    far.reads = false;
    near.send('abcdefgh');
    await stack.settle();
    near.connection.close();
    for (let count = 0; count < 9; count += 1) {
      await stack.run(100);
      far.send('.');
      near.connection.close();
    }
    assert.deepEqual(near.told, []);
    await stack.run(100);
    assert.deepEqual(near.told, [`fault ${ErrorCode.ERR_TIMEOUT}`]);
  });

  it('of each direction comes on its own, behind the last byte', async () => {
    const { stack, near, far } = await pair();
    far.connection.setReading(false);
    near.send('last');
    near.connection.shutdown();
    assert.equal(near.send('more'), 0);
    await stack.settle();
    assert.deepEqual(
      [near.connection.state(), far.connection.state()],
      [TcpState.FIN_WAIT_2, TcpState.ESTABLISHED],
      'data waits before the FIN',
    );
    assert.deepEqual(far.told, []);
    far.send('answer');
    far.connection.setReading(true);
    await stack.settle();
    assert.equal(far.connection.state(), TcpState.CLOSE_WAIT);
    assert.deepEqual([far.told, near.told], [['last', 'end'], ['answer']]);
    far.connection.shutdown();
    await stack.settle();
    assert.deepEqual([far.told.slice(-1), near.told], [['closed'], ['answer', 'end', 'closed']]);
    assert.deepEqual(stack.holdings(), NOTHING);
  });

  it('by close() comes when all is acknowledged; the peer has 20 s to end, and its data is dropped', async () => {
    const { stack, near, far } = await pair({ receiveWindowBytes: 4 });
    far.reads = false;
    far.connection.setReading(false);
    near.send('012345');
    near.connection.close();
    await stack.settle();
    assert.deepEqual(near.told, [], 'two bytes are not acknowledged');
    far.connection.setReading(true);
    await stack.settle();
    far.connection.consume(far.withheld);
    await stack.settle();
    assert.deepEqual([near.told, far.told], [['closed'], ['0123', '45', 'end']]);
    await stack.run(19_999);
    assert.equal(far.send('far more than the window has room for'), 37);
    await stack.run(19_999);
    assert.equal(stack.holdings().lingering, 1);
    await stack.run(1);
    assert.equal(stack.holdings().lingering, 0);
    far.send('too late');
    await stack.settle();
    assert.deepEqual(
      [near.told, far.told.at(-1), stack.holdings()],
      [['closed'], `fault ${ERR_RST}`, NOTHING],
    );
  });

  it('by close() called again waits for the peer all the same', async () => {
    const { stack, near, far } = await pair();
    near.connection.close();
    near.connection.close();
    await stack.settle();
    assert.deepEqual([near.told, stack.holdings().lingering], [['closed'], 1]);
    assert.equal(far.send('dropped'), 7);
    far.connection.close();
    await stack.settle();
    assert.deepEqual([far.told, stack.holdings()], [['end', 'closed'], NOTHING]);
  });

  it('by close() is waited for 5 minutes at most when the peer goes on sending', async () => {
    const { stack, near, far } = await pair();
    near.connection.close();
    for (let count = 0; count < 31; count += 1) {
      await stack.run(count === 30 ? 9_999 : 10_000);
      far.send('.');
    }
    assert.equal(stack.holdings().lingering, 0);
  });

  it('by close() without progress for the close timeout is a reset', async () => {
    const { stack, near, far } = await pair({ receiveWindowBytes: 2, closeTimeoutMs: 1000 });
    far.reads = false;
    near.send('0123');
    near.connection.close();
    await stack.run(999);
    far.connection.consume(1);
    await stack.run(999);
    assert.deepEqual(near.told, []);
    await stack.run(1);
    assert.deepEqual([near.told, far.told.at(-1)], [[`fault ${ERR_TIMEOUT}`], `fault ${ERR_RST}`]);
    assert.deepEqual(stack.holdings(), NOTHING);
  });

  it('by drop() delivers what was flushed, and resets if data is unread', async () => {
    const sent = await pair({ receiveWindowBytes: 4 });
    sent.near.send('0123456789');
    sent.near.connection.drop();
    await sent.stack.settle();
    assert.equal(sent.far.told.join(''), '0123456789end');
    const unread = await pair();
    unread.near.connection.setReading(false);
    unread.far.send('unread');
    unread.near.connection.drop();
    unread.near.connection.drop();
    await unread.stack.settle();
    assert.deepEqual([unread.near.told, unread.far.told], [[], [`fault ${ERR_RST}`]]);
    assert.deepEqual(unread.stack.holdings(), NOTHING);
  });

  it('by abort() is reported to the peer alone, at once', async () => {
    const { stack, near, far } = await pair();
    near.send('lost');
    near.connection.abort();
    near.connection.abort();
    assert.deepEqual([near.connection.state(), far.connection.state()], [TcpState.CLOSED, TcpState.CLOSED]);
    await stack.settle();
    assert.deepEqual([near.told, far.told, stack.holdings()], [[], [`fault ${ERR_RST}`], NOTHING]);
  });

  it('of the stack leaves nothing, and reports no event', async () => {
    const { stack, near, far } = await pair();
    listen(stack);
    stack.connect(
      { address: '127.0.0.1', port: 7, localPort: 0 },
      { onConnected: () => assert.fail('it stands'), onFailed: () => assert.fail('it failed') },
    );
    await stack.close();
    await stack.settle();
    assert.deepEqual([near.told, far.told, stack.holdings()], [[], [], NOTHING]);
  });
});

describe('faults on demand', () => {
  it('cut: nothing is acknowledged and no event comes; healed, everything goes on', async () => {
    const { stack, near, far } = await pair();
    near.connection.setReportsAcks(true);
    const heal = stack.cut({ port: near.connection.local.port });
    near.send('late');
    near.connection.shutdown();
    await stack.run(100_000);
    assert.deepEqual([near.told, far.told, near.connection.queued()], [[], [], 4]);
    assert.equal(near.connection.heardAgoMs(), 100_000);
    heal();
    await stack.settle();
    assert.deepEqual([near.told, far.told], [['acked 4'], ['late', 'end']]);
    assert.equal(near.connection.heardAgoMs(), 0);
  });

  it('cut: the path has no answer, and has no loss again when it heals', async () => {
    const { stack, near, far } = await pair({ receiveWindowBytes: 1024, sendBufferBytes: 4096 });
    far.connection.setReading(false);
    near.send('waits');
    await stack.run(1000);
    assert.deepEqual(near.connection.path?.(), {
      mss: 1460,
      heardAgoMs: 1000,
      roundTripMs: 0,
      retransmissions: 0,
      peerWindow: 1024 - 5,
      unanswered: 0,
    });
    assert.equal(far.connection.undelivered?.(), 5);
    const heal = stack.cut({ port: near.connection.local.port });
    assert.equal(near.connection.path()?.unanswered, 0, 'nothing needs an answer');
    near.send('lost');
    await stack.run(1000);
    assert.equal(near.connection.path()?.unanswered, Number.POSITIVE_INFINITY);
    heal();
    await stack.settle();
    assert.equal(near.connection.path()?.unanswered, 0);
  });

  it('cut: a reset is lost, and answered when the other end sends', async () => {
    const { stack, near, far } = await pair();
    const heal = stack.cut({ address: '127.0.0.1' });
    near.connection.abort();
    heal();
    await stack.settle();
    assert.equal(far.connection.state(), TcpState.ESTABLISHED);
    far.send('anybody?');
    await stack.settle();
    assert.deepEqual(far.told, [`fault ${ERR_RST}`]);
  });

  it('cut: probes are not answered, and end the connection; else they keep it', async () => {
    const { stack, near, far } = await pair();
    near.connection.setKeepAlive(10_000, 1000, 3);
    await stack.run(1_000_000);
    assert.deepEqual(near.told, []);
    assert.ok(Number(near.connection.heardAgoMs()) <= 10_000);
    stack.cut({ port: far.connection.local.port });
    await stack.run(12_999);
    assert.deepEqual(near.told, []);
    await stack.run(1);
    assert.deepEqual(near.told, [`fault ${ERR_TIMEOUT}`]);
  });

  it('cut: a probe finds out that the other end is gone', async () => {
    const { stack, near, far } = await pair();
    far.connection.setKeepAlive(10_000, 1000, 3);
    const heal = stack.cut({ address: '127.0.0.1' });
    near.connection.abort();
    heal();
    await stack.run(9_999);
    assert.deepEqual(far.told, []);
    await stack.run(1);
    assert.deepEqual([far.told, stack.holdings()], [[`fault ${ERR_RST}`], NOTHING]);
  });

  it('cut: an attempt stands when the link is healed', async () => {
    const stack = new MemoryStack();
    const { listener, accepted } = listen(stack);
    const heal = stack.cut({ address: '127.0.0.1', port: listener.local.port });
    const near = connect(stack, '127.0.0.1', listener.local.port);
    await stack.run(1000);
    assert.equal(accepted.length, 0);
    heal();
    assert.ok((await near) instanceof Program);
  });

  it('reset: both ends report it; an attempt fails', async () => {
    const { stack, near, far } = await pair();
    stack.reset({ port: far.connection.local.port });
    assert.equal(near.connection.state(), TcpState.CLOSED);
    await stack.settle();
    assert.deepEqual([near.told, far.told], [[`fault ${ERR_RST}`], [`fault ${ERR_RST}`]]);
    stack.cut({ port: 7 });
    const attempt = connect(stack, '127.0.0.1', 7);
    stack.reset({ port: 7 });
    assert.equal(await codeOf(attempt), ERR_RST);
    assert.deepEqual(stack.holdings(), NOTHING);
  });

  it('refuse: attempts fail as the test says', async () => {
    const stack = new MemoryStack();
    const { listener } = listen(stack);
    const { port } = listener.local;
    const end = stack.refuse({ port }, ERR_RTE);
    assert.equal(await codeOf(connect(stack, '127.0.0.1', port)), ERR_RTE);
    end();
    assert.equal(await codeOf(connect(stack, '127.0.0.1', port)), undefined);
  });

  it('starve: a machine makes and accepts no connection, and keeps those that it has', async () => {
    const stack = new MemoryStack();
    const other = new MemoryStack({ network: stack });
    const { listener, accepted, failed } = listen(stack);
    const { port } = listener.local;
    const before = await connect(other, '127.0.0.1', port);
    assert.ok(before instanceof Program);
    const end = stack.starve();
    assert.equal(await codeOf(connect(stack, '127.0.0.1', port)), ERR_MEM);
    const refused = await connect(other, '127.0.0.1', port);
    assert.ok(refused instanceof Program);
    assert.deepEqual([refused.told, accepted.length], [[`fault ${ERR_RST}`], 1]);
    assert.deepEqual(
      failed.map(({ code }) => code),
      [ERR_MEM],
    );
    before.send('still here');
    await stack.settle();
    assert.deepEqual(accepted[0]?.told, ['still here']);
    end();
    assert.equal(await codeOf(connect(other, '127.0.0.1', port)), undefined);
  });
});

describe('names', () => {
  async function resolve(stack: MemoryStack, host: string): Promise<unknown> {
    const answer = new Promise((answered) => {
      stack.resolve(host, (fault, addresses) => answered(fault?.code ?? addresses));
    });
    await stack.settle();
    return answer;
  }

  it('are the test’s: answered at once, later, twice or by an exception, they end once', async () => {
    const stack = new MemoryStack({
      lookup: (host, answer) => {
        if (host === 'bad.test') throw new Error('thrown');
        if (host === 'none.test') answer(null, []);
        if (host === 'slow.test') void Promise.resolve().then(() => answer(null, ['192.0.2.1']));
        if (host === 'twice.test') for (const address of ['::1', '::2']) answer(null, [address]);
      },
    });
    assert.equal(await resolve(stack, 'bad.test'), ERR_DNS);
    assert.equal(await resolve(stack, 'none.test'), ERR_DNS);
    assert.deepEqual(await resolve(stack, 'slow.test'), ['192.0.2.1']);
    assert.deepEqual(await resolve(stack, 'twice.test'), ['::1']);
    stack.resolve('twice.test', () => assert.fail('it was taken back'))();
    await stack.settle();
  });

  it('without a lookup are none but localhost', async () => {
    assert.deepEqual(await resolve(new MemoryStack(), 'localhost'), ['127.0.0.1', '::1']);
    assert.equal(await resolve(new MemoryStack(), 'example.test'), ERR_DNS);
  });
});

describe('virtual time', () => {
  it('run() ends at exactly the time, and passes no work of the program', async () => {
    const { stack, near, far } = await pair();
    const log: string[] = [];
    const startMs = stack.clock.nowMs();
    const tell = (what: string): number => log.push(`${what} at ${stack.clock.nowMs() - startMs}`);
    stack.timers.arm(
      new Timer({
        due: () => {
          tell('timer');
          near.send('ping');
        },
      }),
      startMs + 100,
    );
    far.onData = () => {
      void Promise.resolve().then(async () => {
        await Promise.resolve();
        tell('answer');
        far.send('pong');
      });
    };
    near.onData = () => tell('pong');
    stack.timers.arm(new Timer({ due: () => tell('end') }), startMs + 101);
    await stack.run(100.5);
    assert.deepEqual(log, ['timer at 100', 'answer at 100', 'pong at 100']);
    assert.equal(stack.clock.nowMs(), startMs + 100.5);
    await stack.run(0.5);
    assert.equal(log.at(-1), 'end at 101');
  });

  it('run() runs microtasks between two timers of the same time', async () => {
    const stack = new MemoryStack();
    const log: string[] = [];
    const atMs = stack.clock.nowMs() + 10;
    for (const name of ['first', 'second']) {
      stack.clock.setAlarm(atMs, () => {
        log.push(name);
        void Promise.resolve().then(() => log.push(`microtask of ${name}`));
      });
    }
    await stack.run(10);
    assert.deepEqual(log.slice(-2), ['microtask of first', 'microtask of second']);
  });

  it('refuses what is no time', async () => {
    const stack = new MemoryStack();
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      await assert.rejects(stack.run(ms), RangeError);
  });

  it('settle() gives up on a program that never rests', async () => {
    const { stack, near, far } = await pair();
    near.onData = () => near.send('.');
    far.onData = () => far.send('.');
    for (const end of [near, far]) end.connection.setReading(true);
    near.onData = (bytes) => {
      near.connection.consume(bytes.length);
      near.send('.');
    };
    far.onData = (bytes) => {
      far.connection.consume(bytes.length);
      far.send('.');
    };
    near.send('.');
    await assert.rejects(stack.settle(), /does not come to rest/);
    near.connection.abort();
  });
});
