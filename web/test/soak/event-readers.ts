/**
 * Many readers of one event source, some of which do not read: how long an event takes to the last of the
 * others, and the memory that the slow ones cost. The readers are a process of their own.
 *
 * node web/build/test/soak/event-readers.js [stack [readers [not reading]]]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { AsyncClient } from 'asynctcp';
import { AsyncEventSource, AsyncWebServer } from 'asynctcp-web';
import { Inbox } from '../inbox.js';

const FILLING_BYTES = 8192;
/** The system takes more of what waits when it has seen that the readers are slow. */
const FILLING_ROUNDS = 40;
const EVENTS = 100;
const EVENT_BYTES = 100;
const PAUSE_MS = 50;
const QUEUE_BYTES = 131_072;
/** Connections that are opened at once. */
const OPENED_AT_ONCE = 100;

/** A message of the readers. */
interface Report {
  /** Time at which the last reader had all bytes that were asked for, in milliseconds. */
  readonly at: number;
}

/** A message to the readers: bytes of events that each of them is to get, counted from the first one. */
interface Target {
  readonly bytes: number;
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

// ---- the readers

async function readers(port: number, count: number, idle: number): Promise<void> {
  let target = 0;
  let done = 0;
  const report = (): void => {
    if (done === count - idle) process.send?.({ at: now() } satisfies Report);
  };
  process.on('message', ({ bytes }: Target) => {
    target = bytes;
    done = 0;
  });
  // Each reader has the head of its stream before the next ones come: those that do not read are the first.
  const open = async (number: number): Promise<void> => {
    const client = await AsyncClient.open('127.0.0.1', port);
    const head = new Inbox<true>();
    let received = 0;
    client.onData(
      (_, data) => {
        if (received === 0) {
          received = 1;
          if (number < idle) client.pause();
          done += 1;
          head.put(true);
          if (done === count) process.send?.({ at: now() } satisfies Report);
          return;
        }
        const before = received - 1;
        received += data.length;
        if (before < target && received - 1 >= target) {
          done += 1;
          report();
        }
      },
      { view: true },
    );
    client.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    await head.next();
  };
  for (let number = 0; number < count; number += OPENED_AT_ONCE) {
    const some = Array.from(
      { length: Math.min(OPENED_AT_ONCE, count - number) },
      (_, index) => number + index,
    );
    await Promise.all(some.map(open));
  }
}

// ---- the server

function quantile(sorted: readonly number[], part: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

async function serve(stack: 'kernel' | 'node', count: number, idle: number): Promise<void> {
  const limits = { connections: count + 100, stalledMs: 600_000 };
  const server = new AsyncWebServer(0, { host: '127.0.0.1', stack, limits });
  const source = server.addHandler(
    new AsyncEventSource('/events', {
      policy: 'drop new',
      limits: { clients: count, queueBytes: QUEUE_BYTES, replayBytes: QUEUE_BYTES, heartbeatMs: 600_000 },
    }),
  );
  await server.begin();
  const child = fork(new URL(import.meta.url), [stack, String(count), String(idle), String(server.port())]);
  const reports = new Inbox<Report>();
  child.on('message', (report: Report) => {
    reports.put(report);
  });
  await reports.next();
  const memoryBefore = process.memoryUsage().rss;
  // The readers that do not read have come first.
  const slow = source.getClients().slice(0, idle);
  for (let round = 0; round < FILLING_ROUNDS; round += 1) {
    for (const client of slow) while (client.send('x'.repeat(FILLING_BYTES)) !== 'dropped');
    await sleep(PAUSE_MS);
  }
  const waitingBytes = slow.reduce((sum, client) => sum + client.bytesWaiting(), 0);
  let bytes = 0;
  let most = 0;
  const send = async (length: number): Promise<number> => {
    // `data: `, two line breaks.
    bytes += length;
    child.send({ bytes } satisfies Target);
    const sentAt = now();
    source.send('x'.repeat(length - 8));
    const { at } = await reports.next();
    most = Math.max(most, process.memoryUsage().rss);
    return at - sentAt;
  };
  const times: number[] = [];
  for (let number = 0; number < EVENTS; number += 1) {
    times.push(await send(EVENT_BYTES));
    await sleep(PAUSE_MS);
  }
  times.sort((a, b) => a - b);
  console.log(`${source.count()} readers on ${stack}, of which ${idle} do not read`);
  console.log(`waiting for these: ${megabytes(waitingBytes)}, at most ${megabytes(idle * QUEUE_BYTES)}`);
  console.log(`memory of the server: ${megabytes(memoryBefore)} before, then at most ${megabytes(most)}`);
  console.log(
    `an event of ${EVENT_BYTES} bytes gets to the last reader in ${quantile(times, 0.5)} ms (median), ` +
      `${quantile(times, 0.99)} ms (99 %), ${quantile(times, 1)} ms (most)`,
  );
  child.kill();
  await once(child, 'exit');
  await server.end(0);
}

const [, , stack = 'kernel', count = '10000', idle = '100', port] = process.argv;
if (port === undefined) await serve(stack === 'node' ? 'node' : 'kernel', Number(count), Number(idle));
else await readers(Number(port), Number(count), Number(idle));
