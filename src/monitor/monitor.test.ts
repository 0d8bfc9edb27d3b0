import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, it, type TestContext } from 'node:test';
import { AsyncClient } from '../asynctcp/async-client.js';
import { AsyncServer, type ServerOptions } from '../asynctcp/async-server.js';
import { observer } from '../asynctcp/observer.js';
import { Session } from '../asynctcp/session.js';
import { socketUsers } from '../asynctcp/thread-registry.js';
import { SteppedClock } from '../support/stepped-clock.js';
import { MemoryStack, type MemoryStackOptions } from '../stacks/memory/memory-stack.js';
import { ConnectionRecord } from './connection-record.js';
import { MOST_HANDLERS, MOST_SECONDS, startMonitor, type Monitor } from './monitor.js';
import type { MonitorOptions } from './options.js';
import type { ConnectionFigures, Snapshot } from './snapshot.js';
import { MOST_TOP_CONNECTIONS, topConnections } from './top-connections.js';

const ADDRESS = '127.0.0.1';
const PORT = 7007;
/** Bytes that each side of a connection buffers. */
const BUFFER = 8192;

let monitor: Monitor | undefined;

const servers: AsyncServer[] = [];

afterEach(async () => {
  monitor?.end();
  monitor = undefined;
  for (const user of socketUsers()) if (user instanceof Session) user.abort();
  await Promise.all(servers.splice(0).map((server) => server.end()));
});

function started(stack: MemoryStack, options: MonitorOptions = {}): Monitor {
  monitor = startMonitor({ clock: stack.clock, ...options });
  return monitor;
}

function stackOf(options: MemoryStackOptions = {}): MemoryStack {
  return new MemoryStack({ sendBufferBytes: BUFFER, receiveWindowBytes: BUFFER, ...options });
}

async function serving(
  stack: MemoryStack,
  onClient: (client: AsyncClient) => void = () => undefined,
  options: ServerOptions = {},
): Promise<AsyncServer> {
  const server = new AsyncServer(ADDRESS, PORT, { stack, ...options });
  servers.push(server);
  server.onClient(onClient);
  await server.begin();
  return server;
}

async function connected(stack: MemoryStack): Promise<AsyncClient> {
  const client = new AsyncClient({ stack });
  client.connect(ADDRESS, PORT);
  await stack.settle();
  return client;
}

/** Returns the one connection in a direction. */
function one(snapshot: Snapshot, direction: 'in' | 'out'): ConnectionFigures {
  const [found, ...others] = snapshot.connections.filter((connection) => connection.direction === direction);
  assert.ok(found !== undefined && others.length === 0);
  return found;
}

function texts(of: Monitor): string[] {
  return of.events().map(({ kind, text }) => `${kind}: ${text}`);
}

/** Has the client write until nothing is taken any more. Returns the bytes that it wrote. */
async function fill(stack: MemoryStack, client: AsyncClient): Promise<number> {
  let bytes = 0;
  for (let taken = 1; taken > 0; bytes += taken) {
    taken = client.write(new Uint8Array(BUFFER));
    await stack.settle();
  }
  return bytes;
}

describe('the monitor of a thread', () => {
  it('is one, and observes until it ends', () => {
    const stack = stackOf();
    assert.equal(observer, undefined);
    const first = started(stack);
    assert.equal(startMonitor(), first);
    assert.notEqual(observer, undefined);
    first.end();
    assert.equal(observer, undefined);
    assert.equal(stack.clock.alarms, 0);
    const second = started(stack);
    assert.notEqual(second, first);
    first.end();
    assert.notEqual(observer, undefined);
  });

  it('shows a connection from both ends, with its listener and its bytes', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await serving(stack, (client) => {
      client.onData((from, data) => from.write(data));
    });
    const client = await connected(stack);
    client.write('echo');
    await stack.run(1000);
    const snapshot = watching.snapshot();
    const [listener] = snapshot.listeners;
    assert.ok(listener?.accepting);
    assert.deepEqual([listener.port, listener.clients, listener.accepted, listener.why], [PORT, 1, 1, null]);
    const outgoing = one(snapshot, 'out');
    const incoming = one(snapshot, 'in');
    assert.deepEqual([outgoing.listener, incoming.listener], [null, listener.id]);
    assert.equal(outgoing.remotePort, PORT);
    assert.equal(outgoing.localPort, incoming.remotePort);
    assert.deepEqual([incoming.bytesIn, incoming.bytesOut, incoming.inPerS, incoming.outPerS], [4, 4, 4, 4]);
    assert.deepEqual([outgoing.state, outgoing.blocked, outgoing.stack], ['Established', null, 'memory']);
    const { connections, accepted, bytesIn, bytesOut } = snapshot.totals;
    assert.deepEqual([connections, accepted, snapshot.totals.connected], [2, 1, 1]);
    assert.deepEqual([bytesIn, bytesOut], [8, 8]);
  });

  it('moves the beginning of a connection with the time of day: its age stays', async () => {
    const stack = stackOf();
    await serving(stack);
    await connected(stack);
    const session = [...socketUsers()].find((user) => user instanceof Session);
    assert.ok(session !== undefined);
    const nowMs = stack.clock.nowMs();
    const record = new ConnectionRecord({ id: 1, connection: session, listener: null, nowMs });
    const openedAtMs = (wallOffsetMs: number): number => record.figures(nowMs, wallOffsetMs).openedAtMs;
    assert.equal(openedAtMs(5_000_000) - openedAtMs(1000), 5_000_000 - 1000);
  });

  it('takes over listeners and connections that it finds', async () => {
    const stack = stackOf();
    await serving(stack);
    const client = await connected(stack);
    client.write('before');
    await stack.run(5000);
    const { listeners, totals, connections, atMs } = started(stack).snapshot();
    assert.deepEqual(
      connections.map(({ openedAtMs }) => atMs - openedAtMs),
      [5000, 5000],
    );
    assert.deepEqual([listeners.length, totals.connections, totals.accepted, totals.connected], [1, 2, 1, 1]);
    assert.deepEqual(
      connections.map(({ bytesIn, bytesOut }) => bytesIn + bytesOut),
      [6, 6],
    );
  });

  it('has a record of each second, with what came since the one before', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await serving(stack);
    const seen: number[] = [];
    const remove = watching.onSecond(({ atMs }) => seen.push(atMs));
    const client = await connected(stack);
    client.write('12345');
    await stack.run(1000);
    client.abort();
    await stack.run(1000);
    const [first, second] = watching.history();
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(second.atMs - first.atMs, 1000);
    assert.deepEqual([first.connections, first.accepts, first.closes], [2, 2, 0]);
    assert.deepEqual([first.bytesIn, first.bytesOut, first.roundTripMs], [5, 5, 0]);
    assert.deepEqual([second.connections, second.accepts, second.closes, second.errors], [0, 0, 2, 1]);
    assert.deepEqual(
      seen,
      watching.history().map(({ atMs }) => atMs),
    );
    remove();
    await stack.run(1000);
    assert.equal(seen.length, 2);
  });

  it('makes one record of seconds in which the thread was blocked', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await stack.run(1000);
    stack.clock.stall(4500);
    await stack.run(500);
    const [first, second, third] = watching.history();
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    assert.deepEqual([second.atMs - first.atMs, third.atMs - second.atMs], [4500, 500]);
  });

  it('refuses arguments out of range', () => {
    const stack = stackOf();
    const wrong: [options: unknown, message: RegExp][] = [
      [null, /^options must be an object/],
      [{ clock: 5 }, /^clock must be an object/],
      [{ clock: {} }, /^clock must have the methods nowMs and setAlarm; its nowMs is undefined$/],
      [{ blockedAfterMs: 999 }, /^blockedAfterMs must be a number from 1000 to 3600000 ms, not 999$/],
      [{ blockedAfterMs: 3_600_001 }, /^blockedAfterMs must be a number from 1000 to 3600000 ms/],
    ];
    for (const [options, message] of wrong) {
      assert.throws(() => startMonitor(options as MonitorOptions), { message });
    }
    const watching = started(stack);
    assert.throws(() => watching.close(0), RangeError);
    assert.throws(() => watching.reset('1' as unknown as number), TypeError);
    assert.throws(() => watching.events(-1), RangeError);
    assert.throws(() => watching.onSecond(undefined as unknown as () => void), TypeError);
  });

  it('takes a bounded number of handlers, each as often as it was set', async () => {
    const stack = stackOf();
    const watching = started(stack);
    let calls = 0;
    const handler = (): void => {
      calls += 1;
    };
    const removes = Array.from({ length: MOST_HANDLERS }, () => watching.onSecond(handler));
    assert.throws(() => watching.onSecond(handler), RangeError);
    removes[0]?.();
    watching.onSecond(handler);
    await stack.run(1000);
    assert.equal(calls, MOST_HANDLERS);
  });
});

describe('a handler of onSecond', () => {
  it('that throws has an uncaught exception, and the others are called all the same', async () => {
    const stack = stackOf();
    const watching = started(stack);
    let calls = 0;
    const remove = watching.onSecond(() => {
      remove();
      throw new Error('a mistake');
    });
    watching.onSecond(() => (calls += 1));
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = once(process, 'uncaughtException');
    await stack.run(2000);
    const [error] = (await thrown) as unknown[];
    for (const listener of listeners) process.on('uncaughtException', listener);
    assert.match(String(error), /a mistake/);
    assert.equal(calls, 2);
  });

  it('may end the monitor', async () => {
    const stack = stackOf();
    const watching = started(stack);
    watching.onSecond(() => {
      watching.end();
    });
    await stack.run(5000);
    assert.deepEqual([watching.history().length, stack.clock.alarms], [1, 0]);
  });
});

describe('a connection on demand of the monitor', () => {
  it('closes, and the peer sees its end', async () => {
    const stack = stackOf();
    const watching = started(stack);
    const reasons: string[] = [];
    await serving(stack, (client) => {
      client.onDisconnect((_, reason) => reasons.push(reason));
    });
    const client = await connected(stack);
    client.onDisconnect((_, reason) => reasons.push(reason));
    const { id } = one(watching.snapshot(), 'in');
    assert.equal(watching.close(id), true);
    await stack.run(1000);
    assert.deepEqual(reasons.sort(), ['closed', 'ended']);
    assert.equal(watching.close(id), false);
    assert.match(texts(watching).join('\n'), /act: 127\.0\.0\.1 port \d+ is closed on demand/);
    assert.deepEqual(watching.snapshot().errors, []);
  });

  it('is reset, and only the peer counts an error', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await serving(stack);
    await connected(stack);
    assert.equal(watching.reset(one(watching.snapshot(), 'in').id), true);
    await stack.run(1000);
    const { errors, totals } = watching.snapshot();
    assert.deepEqual([totals.connections, totals.closed, totals.errors], [0, 2, 1]);
    const [error] = errors;
    assert.equal(error?.cause, 'ERR_RST');
    assert.match(error.last, /^127\.0\.0\.1 port 7007: connection reset .*the peer reset the connection/);
  });
});

describe('a blocked connection', () => {
  it('names the peer that does not read, from its sender, and the program from its receiver', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await serving(stack, (client) => {
      client.pause();
    });
    const client = await connected(stack);
    const bytes = await fill(stack, client);
    await stack.run(1000);
    assert.equal(one(watching.snapshot(), 'out').blocked, null);
    await stack.run(2000);
    const snapshot = watching.snapshot();
    const outgoing = one(snapshot, 'out');
    assert.deepEqual([outgoing.blocked, outgoing.peerWindow], ['peer does not read', 0]);
    assert.deepEqual([outgoing.unacknowledged, outgoing.queued], [bytes - BUFFER, bytes - BUFFER]);
    assert.equal(outgoing.oldestUnacknowledgedMs, 2000);
    assert.equal(snapshot.atMs - Number(outgoing.blockedAtMs), 2000);
    const incoming = one(snapshot, 'in');
    assert.deepEqual(
      [incoming.blocked, incoming.paused, incoming.withheld],
      ['program does not read', true, BUFFER],
    );
    assert.equal(watching.history().at(-1)?.blocked, 2);
    const blocks = watching.events().filter(({ kind }) => kind === 'block');
    assert.deepEqual(
      new Set(blocks.map(({ connection }) => connection)),
      new Set([outgoing.id, incoming.id]),
    );
  });

  it('is no longer blocked once bytes move', async () => {
    const stack = stackOf();
    const watching = started(stack);
    let peer: AsyncClient | undefined;
    await serving(stack, (client) => {
      peer = client;
      client.pause();
    });
    await fill(stack, await connected(stack));
    await stack.run(3000);
    peer?.onData(() => undefined);
    peer?.resume();
    await stack.run(1000);
    const { connections } = watching.snapshot();
    assert.deepEqual(
      connections.map(({ blocked, blockedAtMs }) => [blocked, blockedAtMs]),
      [
        [null, null],
        [null, null],
      ],
    );
    assert.equal(watching.events().filter(({ kind }) => kind === 'unblock').length, 2);
  });

  it('names the peer that does not answer', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await serving(stack, (client) => {
      client.onData(() => undefined);
    });
    const client = await connected(stack);
    stack.cut({ port: PORT });
    client.write('lost');
    await stack.run(3000);
    const outgoing = one(watching.snapshot(), 'out');
    assert.deepEqual([outgoing.blocked, outgoing.unacknowledged], ['peer does not answer', 4]);
    assert.equal(outgoing.heardAgoMs, 3000);
    assert.equal(one(watching.snapshot(), 'in').blocked, null);
  });

  it('is cut off behind a closed window: then the peer does not answer either', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await serving(stack, (client) => {
      client.pause();
    });
    await fill(stack, await connected(stack));
    await stack.run(1000);
    stack.cut({ port: PORT });
    await stack.run(3000);
    assert.equal(one(watching.snapshot(), 'out').blocked, 'peer does not answer');
  });

  it('names the program that does not acknowledge what it got', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await serving(stack, (client) => {
      client.onData((from) => {
        from.ackLater();
      });
    });
    await fill(stack, await connected(stack));
    await stack.run(3000);
    const incoming = one(watching.snapshot(), 'in');
    assert.deepEqual(
      [incoming.blocked, incoming.withheld, incoming.paused],
      ['program does not read', BUFFER, false],
    );
  });

  it('is none that has nothing to send, or only bytes that the program did not send yet', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await serving(stack, (client) => {
      client.pause();
    });
    const client = await connected(stack);
    client.add('added');
    await stack.run(60_000);
    const { connections } = watching.snapshot();
    assert.deepEqual(
      connections.map(({ blocked }) => blocked),
      [null, null],
    );
    assert.equal(one(watching.snapshot(), 'out').unacknowledged, 5);
  });

  it('is none whose peer is slow, however long', async () => {
    const stack = stackOf();
    const watching = started(stack);
    let peer: AsyncClient | undefined;
    await serving(stack, (client) => {
      peer = client;
      client.onData((from) => {
        from.ackLater();
      });
    });
    const client = await connected(stack);
    for (let second = 0; second < 60; second += 1) {
      await fill(stack, client);
      await stack.run(500);
      peer?.ack(BUFFER / 4);
      await stack.run(500);
      assert.equal(watching.history().at(-1)?.blocked, 0);
    }
    assert.ok(one(watching.snapshot(), 'out').oldestUnacknowledgedMs >= 2000);
  });

  it('is one from the time on that the options say', async () => {
    const stack = stackOf();
    const watching = started(stack, { blockedAfterMs: 10_000 });
    await serving(stack, (client) => {
      client.pause();
    });
    await fill(stack, await connected(stack));
    await stack.run(10_000);
    assert.equal(watching.history().at(-1)?.blocked, 0);
    await stack.run(1000);
    assert.equal(watching.history().at(-1)?.blocked, 2);
  });
});

describe('a listener', () => {
  it('says since when it does not accept, and why', async () => {
    const stack = stackOf();
    const watching = started(stack);
    const server = await serving(stack, () => undefined, { maxClients: 1 });
    const first = await connected(stack);
    await stack.run(5000);
    const refused = await connected(stack);
    assert.equal(refused.connected(), false);
    await stack.run(1000);
    const full = watching.snapshot().listeners[0];
    assert.ok(full !== undefined);
    assert.deepEqual([full.accepting, full.why, full.maxClients, full.refused], [false, 'full', 1, 1]);
    assert.ok(watching.snapshot().atMs - full.sinceAtMs >= 5000);
    assert.match(
      texts(watching).join('\n'),
      /refuse: 1 connection was refused at 127\.0\.0\.1 port 7007 \(full\)/,
    );
    first.close();
    await stack.run(1000);
    assert.equal(watching.snapshot().listeners[0]?.why, null);
    server.onClient(undefined);
    await stack.run(1000);
    assert.equal(watching.snapshot().listeners[0]?.why, 'no handler');
    await server.end();
    assert.equal(watching.snapshot().listeners[0]?.why, 'ended');
    assert.equal(watching.snapshot().totals.refused, 1);
    assert.deepEqual(
      watching.events().flatMap(({ kind }) => (kind === 'listen' || kind === 'stop' ? [kind] : [])),
      ['listen', 'stop'],
    );
  });

  it('keeps its number when its server listens again', async () => {
    const stack = stackOf();
    const watching = started(stack);
    const server = await serving(stack);
    await connected(stack);
    await server.end();
    await server.begin();
    const [listener, ...others] = watching.snapshot().listeners;
    assert.deepEqual([listener?.id, listener?.accepting, listener?.clients, others], [1, true, 1, []]);
  });

  it('is full with its stack, whose limit is in the totals', async () => {
    const stack = stackOf({ maxActiveTcp: 2 });
    const watching = started(stack);
    await serving(stack);
    await connected(stack);
    const { listeners, totals } = watching.snapshot();
    assert.deepEqual([listeners[0]?.why, totals.limit, totals.connections], ['full', 2, 2]);
  });
});

describe('errors', () => {
  it('are counted by cause, with the last instance', async (test: TestContext) => {
    const stack = stackOf();
    const watching = started(stack);
    const failed = await connected(stack);
    assert.equal(failed.connected(), false);
    await serving(stack, (client) => {
      client.setRxTimeout(1);
      client.onData(() => undefined);
    });
    await connected(stack);
    await stack.run(2000);
    const { errors, totals } = watching.snapshot();
    assert.deepEqual(
      errors.map(({ cause, count }) => [cause, count]),
      [
        ['ERR_RST', 1],
        ['rxTimeout', 1],
      ],
    );
    assert.equal(totals.errors, 2);
    assert.match(errors[0]?.last ?? '', /connect to 127\.0\.0\.1 port 7007: nothing listens there/);
    test.diagnostic(errors.map(({ last }) => last).join('; '));
  });
});

describe('what the monitor keeps', () => {
  it('is a history of 15 minutes', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await stack.run((MOST_SECONDS + 5) * 1000);
    const history = watching.history();
    assert.equal(history.length, MOST_SECONDS);
    assert.equal(Number(history.at(-1)?.atMs) - Number(history[0]?.atMs), (MOST_SECONDS - 1) * 1000);
  });
});

describe('the connections that stand out', () => {
  it('are the first of all by one figure, in a bounded number', async () => {
    const stack = stackOf();
    const watching = started(stack);
    await serving(stack, (client) => {
      client.onData(() => undefined);
    });
    for (const bytes of [5, 500, 50]) (await connected(stack)).write(new Uint8Array(bytes));
    await stack.run(1000);
    const { connections } = watching.snapshot();
    assert.deepEqual(
      topConnections(connections, 'outPerS', 2).map(({ bytesOut }) => bytesOut),
      [500, 50],
    );
    assert.equal(topConnections(connections, 'blockedAtMs', MOST_TOP_CONNECTIONS).length, 6);
    assert.throws(() => topConnections(connections, 'bytesIn', MOST_TOP_CONNECTIONS + 1), RangeError);
  });
});

it('a monitor goes by the clock that it is given', () => {
  const clock = new SteppedClock();
  monitor = startMonitor({ clock });
  clock.advance(3000);
  assert.equal(monitor.history().length, 3);
});
