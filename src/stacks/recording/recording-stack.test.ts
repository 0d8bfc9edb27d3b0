/** The recording stack forwards everything as it is, and its lines say what happened. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../port/error-code.js';
import {
  SendFlag,
  type Attempt,
  type Connection,
  type ConnectionEvents,
  type Listener,
  type ListenTarget,
  type TcpStack,
} from '../../port/tcp-stack.js';
import { Timer } from '../../support/timers.js';
import { MemoryStack } from '../memory/memory-stack.js';
import { RecordingStack } from './recording-stack.js';

const ADDRESS = '127.0.0.1';
const FIRST_PORT = 49_152;

const target = (port: number): ListenTarget => ({
  address: ADDRESS,
  port,
  backlog: undefined,
  reusePort: false,
});

/** Returns the lines without their times. */
function linesOf(stack: RecordingStack): string[] {
  return stack.lines().map((line) => line.slice(line.indexOf('#')));
}

/** An end that answers each piece by `reply`, consumes it, and ends when its peer does. */
class Program implements ConnectionEvents {
  readonly connection: Connection;
  readonly reply: string;

  constructor(connection: Connection, reply = '') {
    this.connection = connection;
    this.reply = reply;
  }

  onData(bytes: Uint8Array): void {
    this.connection.consume(bytes.length);
    if (this.reply !== '') this.send(this.reply);
  }

  onAcked(): void {
    this.connection.setReportsAcks(false);
  }

  onSpaceFreed(): void {
    this.connection.shutdown();
  }

  onEnd(): void {
    this.connection.close();
  }

  onClosed(): void {
    // The line says it.
  }

  send(text: string): number {
    return this.connection.enqueueAndFlush(new TextEncoder().encode(text), SendFlag.COPY);
  }
}

/** Listens on the stack; each accepted connection answers with `reply`, and `undefined` refuses it. */
function serve(stack: TcpStack, port: number, reply: string | undefined): Listener {
  const listener = stack.listen(target(port), {
    onListening: () => undefined,
    onFailed: () => undefined,
    onAccepted: (connection) => (reply === undefined ? undefined : new Program(connection, reply)),
    onAcceptFailed: () => undefined,
  });
  assert.ok('local' in listener, 'it listens');
  return listener;
}

/** Connects on the stack; `begin` gets the end when it stands. */
function connect(stack: TcpStack, port: number, begin: (program: Program) => void): Attempt {
  return stack.connect(
    { address: ADDRESS, port, localPort: 0 },
    {
      onConnected: (connection) => {
        const program = new Program(connection);
        begin(program);
        return program;
      },
      onFailed: () => undefined,
    },
  );
}

/** Plays a conversation of two ends; `stack` is used by both, and `memory` is beneath it. */
async function converse(stack: TcpStack, memory: MemoryStack): Promise<void> {
  const listener = serve(stack, 7, 'pong');
  await memory.settle();
  connect(stack, 7, (program) => {
    program.connection.setReportsAcks(true);
    program.send('ping');
    program.connection.setWantsSpace(1);
  });
  await memory.settle();
  listener.close();
}

describe('a recording', () => {
  it('records a conversation of two ends, each connection by a number of its own', async () => {
    const memory = new MemoryStack();
    const stack = new RecordingStack(memory, {});
    await converse(stack, memory);
    const place = `${ADDRESS}:${FIRST_PORT}`;
    const lines = linesOf(stack);
    assert.deepEqual(lines.slice(0, 3), [
      `#1 → listen ${ADDRESS}:7 = ${ADDRESS}:7`,
      '#1 ← onListening',
      `#2 → connect ${ADDRESS}:7`,
    ]);
    assert.deepEqual(lines.filter((line) => line.startsWith('#2')).slice(1), [
      `#2 ← onConnected ${place} to ${ADDRESS}:7`,
      '#2 → setReportsAcks true',
      '#2 → enqueueAndFlush 4 COPY = 4',
      '#2 → setWantsSpace 1',
      '#2 ← onAcked 4',
      '#2 → setReportsAcks false',
      '#2 ← onSpaceFreed',
      '#2 → shutdown',
      '#2 ← onData 4',
      '#2 → consume 4',
      '#2 ← onEnd',
      '#2 → close',
      '#2 ← onClosed',
    ]);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('#3')),
      [
        `#3 ← onAccepted ${ADDRESS}:7 from ${place} by #1`,
        '#3 ← onData 4',
        '#3 → consume 4',
        '#3 → enqueueAndFlush 4 COPY = 4',
        '#3 ← onEnd',
        '#3 → close',
        '#3 ← onClosed',
      ],
    );
    assert.equal(lines.at(-1), '#1 → close');
  });

  it('begins each line with the time of the stack, in milliseconds', async () => {
    const memory = new MemoryStack();
    const stack = new RecordingStack(memory, {});
    memory.clock.advance(1.5);
    serve(stack, 7, '');
    assert.equal(
      stack.lines()[0],
      ` ${memory.clock.nowMs().toFixed(3)} #1 → listen ${ADDRESS}:7 = ${ADDRESS}:7`,
    );
    await stack.close();
  });

  it('counts the lines that gave way to newer ones', async () => {
    const memory = new MemoryStack();
    const stack = new RecordingStack(memory, { maxLines: 1 });
    await converse(stack, memory);
    const whole = new RecordingStack(new MemoryStack({ network: memory }), {});
    await converse(whole, memory);
    assert.deepEqual(linesOf(stack), ['#1 → close']);
    assert.equal(stack.droppedLines, whole.lines().length - 1);
    assert.equal(whole.droppedLines, 0);
  });

  it('leaves nothing behind in the stack beneath', async () => {
    const memory = new MemoryStack();
    const stack = new RecordingStack(memory, { verbose: true });
    await converse(stack, memory);
    assert.deepEqual(stack.holdings(), memory.holdings());
    assert.deepEqual(Object.values(stack.holdings()), [0, 0, 0, 0, 0]);
    await stack.close();
    assert.deepEqual(linesOf(stack).slice(-2), [
      '#0 → holdings = connections=0 attempts=0 listeners=0 lingering=0 timers=0',
      '#0 → close',
    ]);
  });

  it('records why nothing listens, connects or has an address', async () => {
    const failed = new Error('no address');
    const memory = new MemoryStack({ lookup: (_, answer) => answer(failed, []) });
    const stack = new RecordingStack(memory, {});
    serve(stack, 7, undefined);
    const events = {
      onListening: () => undefined,
      onFailed: () => undefined,
      onAcceptFailed: () => undefined,
    };
    const taken = stack.listen(target(7), { ...events, onAccepted: () => undefined });
    assert.ok('code' in taken && taken.code === ErrorCode.ERR_USE, 'the fault is the other stack’s');
    connect(stack, 8, () => undefined);
    stack.resolve('nowhere.example', () => undefined);
    await memory.settle();
    const lines = linesOf(stack);
    assert.ok(
      lines.some((line) => line.startsWith(`#2 → listen ${ADDRESS}:7 = ERR_USE`)),
      lines.join('\n'),
    );
    assert.ok(lines.some((line) => line.startsWith('#3 ← onFailed ERR_RST')));
    assert.ok(lines.includes('#4 → resolve "nowhere.example"'));
    assert.ok(lines.includes('#4 ← onAnswer ERR_DNS "no address"'));
  });

  it('records a refused connection, a cancelled attempt and a cancelled look-up', async () => {
    const memory = new MemoryStack();
    const stack = new RecordingStack(memory, {});
    const listener = serve(stack, 7, undefined);
    connect(stack, 7, () => undefined);
    await memory.settle();
    const attempt = connect(stack, 7, () => undefined);
    attempt.setKeepsAlive(false);
    attempt.cancel();
    stack.resolve('localhost', () => assert.fail('it was taken back'))();
    listener.setKeepsAlive(false);
    await memory.settle();
    const lines = linesOf(stack);
    assert.ok(lines.includes('#3 → refused'), 'by undefined');
    assert.ok(
      lines.some((line) => line.startsWith('#2 ← onClosed ERR_RST')),
      'by a reset',
    );
    const last = ['#4 → setKeepsAlive false', '#4 → cancel', '#5 → resolve "localhost"', '#5 → cancel'];
    assert.deepEqual(lines.slice(-5), [...last, '#1 → setKeepsAlive false']);
  });

  it('names what a target asks for', async () => {
    const stack = new RecordingStack(new MemoryStack(), {});
    const events = {
      onListening: () => undefined,
      onFailed: () => undefined,
      onAcceptFailed: () => undefined,
    };
    stack.listen(
      { address: undefined, port: 0, backlog: 5, reusePort: true, receiveWindowBytes: 2048 },
      { ...events, onAccepted: () => undefined },
    );
    stack.connect(
      { address: '::1', port: 80, localPort: 9, reusePort: true, receiveWindowBytes: 1024 },
      { onConnected: () => assert.fail('there is no listener'), onFailed: () => undefined },
    );
    const [listen = '', connecting = ''] = linesOf(stack);
    assert.match(listen, /^#1 → listen \*:0 backlog=5 window=2048 reusePort = .*:\d+$/);
    assert.equal(connecting, '#2 → connect [::1]:80 from *:9 window=1024 reusePort');
    await stack.close();
  });

  it('records posted jobs and timers if everything is wanted, and they run all the same', async () => {
    for (const verbose of [false, true]) {
      const memory = new MemoryStack();
      const stack = new RecordingStack(memory, { verbose });
      const ran: string[] = [];
      const timer = new Timer({ due: () => ran.push('timer') });
      stack.post(() => ran.push('job'));
      stack.timers.arm(timer, memory.clock.nowMs() + 20);
      stack.timers.armBy(timer, memory.clock.nowMs() + 10);
      await memory.run(10);
      stack.timers.disarm(timer);
      assert.deepEqual(ran, ['job', 'timer']);
      const all = ['#0 → post', '#0 → arm 1000020.000', '#0 → armBy 1000010.000', '#0 → disarm'];
      assert.deepEqual(linesOf(stack), verbose ? all : []);
    }
  });

  it('is what the other stack is, above it', () => {
    const memory = new MemoryStack();
    const stack = new RecordingStack(memory, {});
    const { name, capabilities, limits, honours, clock, timers } = stack;
    assert.deepEqual(
      [name, capabilities, limits, honours],
      [memory.name, memory.capabilities, memory.limits, memory.honours],
    );
    assert.ok(clock === memory.clock && timers === memory.timers, 'the same clock and timers');
  });
});
