/** A recorded connection forwards each call and each event as it is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../port/error-code.js';
import type { Connection, ConnectionEvents, Loan } from '../../port/tcp-stack.js';
import { TcpState } from '../../port/tcp-state.js';
import { SteppedClock } from '../../support/stepped-clock.js';
import { RecordedConnection, RecordedConnectionEvents } from './recorded-connection.js';
import { Recorder } from './recorder.js';
import type { RecordingOptions } from './recording-options.js';

/** Stands for a connection of another stack: remembers its calls, and answers each with `answer`. */
function fakeConnection(calls: unknown[][], answer: unknown): Connection {
  const end = { address: '127.0.0.1', port: 1 };
  const properties: Record<string, unknown> = { local: end, remote: end, receiveWindowBytes: 7 };
  return new Proxy({} as Connection, {
    get: (_, name) =>
      properties[String(name)] ??
      ((...args: unknown[]) => {
        calls.push([name, ...args]);
        return answer;
      }),
  });
}

/** Returns both directions of a recorded connection, and a function that returns its lines without times. */
function recorded(connection: Connection, receiver: ConnectionEvents, options: RecordingOptions = {}) {
  const recorder = new Recorder(new SteppedClock(), options);
  return {
    connection: new RecordedConnection(connection, recorder, 1),
    events: new RecordedConnectionEvents(receiver, recorder, 1),
    lines: () => recorder.lines().map((line) => line.slice(line.indexOf('#'))),
  };
}

/** A receiver that remembers its events, with the two that may be missing or without. */
function fakeReceiver(received: unknown[][], isWhole: boolean): ConnectionEvents {
  const remember =
    (name: string) =>
    (...args: unknown[]): void => {
      received.push([name, ...args]);
    };
  return {
    onData: remember('onData'),
    onAcked: remember('onAcked'),
    onEnd: remember('onEnd'),
    onClosed: remember('onClosed'),
    ...(isWhole ? { onSpaceFreed: remember('onSpaceFreed'), onDrained: remember('onDrained') } : {}),
  };
}

const BYTES = new TextEncoder().encode('"GET" \\\r\n\t\u0007ü');

const PATH = { mss: 9, heardAgoMs: 8, roundTripMs: 7, retransmissions: 6, peerWindow: 5, unanswered: 4 };

/** Each call of a connection, an answer that fits, and its line if it is recorded in any case. */
const CALLS: readonly [name: keyof Connection, args: unknown[], answer: unknown, line: string][] = [
  ['state', [], TcpState.ESTABLISHED, 'state = Established'],
  ['mss', [], 1460, 'mss = 1460'],
  ['sendSpace', [], 5744, 'sendSpace = 5744'],
  ['hasSpaceFor', [9], true, 'hasSpaceFor 9 = true'],
  ['unacknowledged', [], 3, 'unacknowledged = 3'],
  ['queued', [], 4, 'queued = 4'],
  ['heardAgoMs', [], undefined, 'heardAgoMs = undefined'],
  [
    'path',
    [],
    PATH,
    'path = {"mss":9,"heardAgoMs":8,"roundTripMs":7,"retransmissions":6,"peerWindow":5,"unanswered":4}',
  ],
  ['undelivered', [], 3, 'undelivered = 3'],
  ['enqueue', [BYTES, 3], 6, 'enqueue 13 COPY MORE = 6 "\\"GET\\" "'],
  ['flush', [], undefined, 'flush'],
  ['enqueueAndFlush', [BYTES, 0], 13, 'enqueueAndFlush 13 = 13 "\\"GET\\" \\\\\\r\\n\\t\\x07\\xc3\\xbc"'],
  [
    'enqueueAllAndFlush',
    [[BYTES, BYTES]],
    15,
    'enqueueAllAndFlush 13 + 13 = 15 "\\"GET\\" \\\\\\r\\n\\t\\x07\\xc3\\xbc"…',
  ],
  ['consume', [5], undefined, 'consume 5'],
  ['setReading', [false], undefined, 'setReading false'],
  ['setTakesLoans', [true], undefined, 'setTakesLoans true'],
  ['setTakesViews', [true], undefined, 'setTakesViews true'],
  ['shutdown', [], undefined, 'shutdown'],
  ['close', [], undefined, 'close'],
  ['drop', [], undefined, 'drop'],
  ['abort', [], undefined, 'abort'],
  ['gatherInTurn', [], undefined, 'gatherInTurn'],
  ['leaveAtExit', [], undefined, 'leaveAtExit'],
  ['setReportsAcks', [true], undefined, 'setReportsAcks true'],
  ['setReportsDrained', [true], undefined, 'setReportsDrained true'],
  ['setWantsSpace', [100], undefined, 'setWantsSpace 100'],
  ['setNoDelay', [true], undefined, 'setNoDelay true'],
  ['setKeepAlive', [1000, 200, 3], undefined, 'setKeepAlive idleMs=1000 intervalMs=200 probes=3'],
  ['setKeepsAlive', [false], undefined, 'setKeepsAlive false'],
];

const QUERIES = [
  'state',
  'mss',
  'sendSpace',
  'hasSpaceFor',
  'unacknowledged',
  'queued',
  'heardAgoMs',
  'path',
  'undelivered',
];

function call(connection: Connection, name: keyof Connection, args: readonly unknown[]): unknown {
  return Reflect.apply(Reflect.get(connection, name) as () => unknown, connection, args);
}

describe('a recorded connection', () => {
  it('has a row here for each of its calls', () => {
    const { connection } = recorded(fakeConnection([], 0), fakeReceiver([], true));
    const prototype = Object.getPrototypeOf(connection) as object;
    const methods = Object.entries(Object.getOwnPropertyDescriptors(prototype))
      .filter(([name, { value }]) => name !== 'constructor' && typeof value === 'function')
      .map(([name]) => name);
    assert.deepEqual(
      methods,
      CALLS.map(([name]) => name),
    );
  });

  for (const [name, args, answer, line] of CALLS) {
    it(`forwards ${name} as it is, and records it`, () => {
      const calls: unknown[][] = [];
      const { connection, lines } = recorded(fakeConnection(calls, answer), fakeReceiver([], true), {
        verbose: true,
        shownBytes: 13,
      });
      assert.equal(call(connection, name, args), answer);
      assert.deepEqual(calls, [[name, ...args]]);
      assert.equal(lines().at(-1), `#1 → ${line}`);
    });
  }

  it('records no call that only asks, unless it is wanted', () => {
    const { connection, lines } = recorded(fakeConnection([], 0), fakeReceiver([], true));
    for (const [name, args] of CALLS) call(connection, name, args);
    const names = lines().map((line) => line.split(' ')[2]);
    assert.deepEqual(
      names,
      CALLS.map(([name]) => name).filter((name) => !QUERIES.includes(name)),
    );
  });

  it('has the other stack’s ends and window', () => {
    const { connection } = recorded(fakeConnection([], 0), fakeReceiver([], true));
    const { local, remote, receiveWindowBytes } = connection;
    assert.deepEqual([local.port, remote.port, receiveWindowBytes], [1, 1, 7]);
  });

  it('passes each event on as it is, loans too, and records it', () => {
    const received: unknown[][] = [];
    const { events, lines } = recorded(fakeConnection([], 0), fakeReceiver(received, true), {
      shownBytes: 4,
    });
    const loan: Loan = { giveBack: () => undefined };
    const fault = { code: ErrorCode.ERR_RST, cause: new Error('read ECONNRESET') };
    events.onData(BYTES, loan);
    events.onData(BYTES.subarray(0, 3));
    events.onAcked(3);
    events.onSpaceFreed();
    events.onDrained();
    events.onEnd();
    events.onClosed(fault);
    assert.deepEqual(received, [
      ['onData', BYTES, loan],
      ['onData', BYTES.subarray(0, 3), undefined],
      ['onAcked', 3],
      ['onSpaceFreed'],
      ['onDrained'],
      ['onEnd'],
      ['onClosed', fault],
    ]);
    assert.ok(received[0]?.[1] === BYTES && received[0][2] === loan, 'the same bytes and the same loan');
    assert.deepEqual(lines(), [
      '#1 ← onData 13 loan "\\"GET"…',
      '#1 ← onData 3 "\\"GE"',
      '#1 ← onAcked 3',
      '#1 ← onSpaceFreed',
      '#1 ← onDrained',
      '#1 ← onEnd',
      '#1 ← onClosed ERR_RST "read ECONNRESET"',
    ]);
  });

  it('lets a receiver leave out the events that it did not ask for', () => {
    const received: unknown[][] = [];
    const { events } = recorded(fakeConnection([], 0), fakeReceiver(received, false));
    events.onSpaceFreed();
    events.onDrained();
    assert.deepEqual(received, []);
  });

  it('records bytes that were transferred away as none', () => {
    const bytes = new Uint8Array(5);
    const { connection, lines } = recorded(fakeConnection([], 5), fakeReceiver([], true), { shownBytes: 4 });
    structuredClone(bytes, { transfer: [bytes.buffer] });
    assert.equal(connection.enqueue(bytes, 0), 5);
    assert.equal(lines().at(-1), '#1 → enqueue 0 = 5 ""…');
  });
});
