/** S · streams over a client, by the functions of `asynctcp/streams`. */
import { AsyncClient, ErrorCode, TcpError, type ErrorCode as Code } from 'asynctcp';
import {
  end,
  listen,
  read,
  readExactly,
  readLine,
  readMessage,
  readUntil,
  toWeb,
  write,
} from 'asynctcp/streams';
import type { ContractCase, Env } from './case.js';
import { expect, expectEqual } from './expect.js';
import { History } from './history.js';
import { deadPort, linked, linkedToPeer } from './linked.js';
import { pattern, PatternReader } from './pattern.js';

const WINDOW = 20_000;
const SEND_BUFFER = 100_000;
/** More than the kernel's buffers of both ends hold together (Linux: 6 MiB and 4 MiB at most). */
const MORE_THAN_KERNEL = 24 * 1_048_576;

/** Follows a promise from outside. */
class Watched {
  isSettled = false;
  error: unknown;

  constructor(promise: Promise<unknown>) {
    promise.then(
      () => (this.isSettled = true),
      (error: unknown) => {
        this.isSettled = true;
        this.error = error;
      },
    );
  }
}

/** Checks that a promise is rejected with a TcpError, and returns that. */
async function expectFault(promise: Promise<unknown>, code: Code, what: string): Promise<TcpError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error instanceof TcpError, `${what}: a TcpError, not ${String(error)}`);
  expectEqual(error.code, code, what);
  return error;
}

/** Lets a promise be rejected before the case awaits it. */
function early<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

async function expectPending(env: Env, promise: Promise<unknown>, what: string): Promise<void> {
  const watched = new Watched(promise);
  await env.settle();
  expect(!watched.isSettled, `${what} waits`);
}

/** Settlings in a row without any change after which the system takes no more. */
const FULL_SETTLINGS = 3;

/**
 * Waits until the buffers of both ends are full, but for what a writer leaves free because it is too little.
 */
async function untilFull(env: Env, client: AsyncClient): Promise<void> {
  let before = -1;
  for (let full = 0; full < FULL_SETTLINGS; full += 1) {
    await env.settle();
    const space = client.space();
    if (space > 0 && space !== before) full = -1;
    before = space;
  }
}

/** Checks the system's own error behind a TcpError; the stack `memory` has no system. */
function expectCause(env: Env, { cause }: TcpError, expected: Record<string, unknown>): void {
  if (env.clientStack.capabilities.virtualTime) return;
  expect(cause instanceof Error, `the system’s error is the cause, not ${String(cause)}`);
  const seen = Object.fromEntries(
    Object.keys(expected).map((key) => [key, Reflect.get(cause, key) as unknown]),
  );
  expectEqual(seen, expected, 'the system’s error');
  expect(typeof Reflect.get(cause, 'errno') === 'number', 'errno is a number');
}

/** The beginning of a message of 126 bytes, of a line, and of data without a delimiter. */
const BEGINNING = '\0\0\0~half a l';

/** Everything that waits for the peer's data. */
const READS: Readonly<Record<string, (client: AsyncClient, signal?: AbortSignal) => Promise<unknown>>> = {
  read: (client, signal) => read(client, { signal }).next(),
  readExactly: (client, signal) => readExactly(client, 1000, { signal }),
  readUntil: (client, signal) => readUntil(client, '|', { signal }),
  readLine: (client, signal) => readLine(client, { signal }),
  readMessage: (client, signal) => readMessage(client, { signal }),
};

export const STREAMS: readonly ContractCase[] = [
  {
    id: 'S1.read',
    title: 'a reader that stops closes the peer’s window: no more than the window is delivered unread',
    limits: { receiveWindowBytes: WINDOW },
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      const reader = new PatternReader(3);
      let delivered = 0;
      client.onData((_, data) => (delivered += data.length));
      const sending = peer.sendPattern(3, MORE_THAN_KERNEL);
      const pieces = read(client);
      for (let count = 0; count < 5; count += 1) {
        const { value } = await pieces.next();
        expect(value !== undefined, 'a piece');
        reader.take(value);
        await env.settle();
        expect(delivered <= reader.bytes + WINDOW, `${delivered} delivered, ${reader.bytes} read`);
      }
      expect((await peer.sent()) < MORE_THAN_KERNEL, 'the peer cannot push everything');
      const rest = (async () => {
        for await (const piece of pieces) reader.take(piece);
      })();
      await sending;
      await peer.close();
      await rest;
      expectEqual([reader.bytes, reader.matches], [MORE_THAN_KERNEL, true], 'all that came');
    },
  },
  {
    id: 'S1.write',
    title:
      'write takes more than the buffers hold, waits at a full space(), and keeps the order of the calls',
    limits: { sendBufferBytes: SEND_BUFFER },
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      const first = write(client, pattern(7, 0, MORE_THAN_KERNEL));
      const second = write(client, pattern(7, MORE_THAN_KERNEL, 10));
      await untilFull(env, client);
      expect(client.unacknowledged() <= SEND_BUFFER, `${client.unacknowledged()} bytes are unacknowledged`);
      await expectPending(env, Promise.race([first, second]), 'a write with the buffer full');
      const draining = peer.drain(7);
      await Promise.all([first, second, end(client)]);
      expectEqual(
        await draining,
        { bytes: MORE_THAN_KERNEL + 10, matches: true, end: 'fin' },
        'what arrived',
      );
    },
  },
  {
    id: 'S1.web',
    title: 'a WritableStream is ready while there is space; a ReadableStream buffers nothing',
    limits: { sendBufferBytes: SEND_BUFFER, receiveWindowBytes: WINDOW },
    async run(env) {
      const { client, peer } = await linkedToPeer(env, (fresh) => fresh.setAllowHalfOpen(true));
      const { readable, writable, closed } = toWeb(client);
      const writer = writable.getWriter();
      let written = 0;
      const fill = async (until: number): Promise<void> => {
        for (; written < until; written += 50_000) {
          await writer.ready;
          void early(writer.write(pattern(8, written, 50_000)));
        }
      };
      const filling = fill(MORE_THAN_KERNEL);
      await untilFull(env, client);
      await expectPending(env, writer.ready, 'ready with the buffer full');
      const sending = peer.sendPattern(9, MORE_THAN_KERNEL);
      await env.settle();
      expect((await peer.sent()) < MORE_THAN_KERNEL, 'the peer cannot push everything');
      const reader = new PatternReader(9);
      const reading = (async () => {
        for await (const piece of readable) reader.take(piece);
      })();
      await sending;
      await peer.shutdown();
      const draining = peer.drain(8);
      await Promise.all([filling, reading]);
      await writer.close();
      await closed;
      expectEqual([reader.bytes, reader.matches], [MORE_THAN_KERNEL, true], 'all that came');
      expectEqual(await draining, { bytes: written, matches: true, end: 'fin' }, 'what arrived');
    },
  },
  {
    id: 'S1.handlers',
    title: 'the handlers of a client that is read as a stream stay the program’s, and are called as ever',
    async run(env) {
      const { client, accepted, history, acceptedHistory } = await linked(env);
      client.setAllowHalfOpen(true);
      const reading = readLine(client);
      await write(accepted, 'hello\n');
      expectEqual(await reading, 'hello', 'the line');
      await write(client, 'answer');
      await env.until('the answer came', () => acceptedHistory.received === 'answer');
      await env.until('it is acknowledged', () => history.acked === 6);
      await end(accepted);
      expectEqual((await read(client).next()).done, true, 'the end of the iteration');
      expect(history.has('end'), 'onEnd before the iteration ended');
      await end(client);
      await env.until('both are over', () => history.over && acceptedHistory.over);
      expectEqual(history.received, 'hello\n', 'onData');
      expectEqual(history.life, ['connect', 'end', 'disconnect'], 'callbacks');
    },
  },
  {
    id: 'S2.signal',
    title:
      'a signal ends every wait; a read that it ends takes nothing, and a write of which nothing was taken',
    limits: { sendBufferBytes: SEND_BUFFER },
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      read(client);
      await peer.send(BEGINNING);
      for (const [name, begin] of Object.entries(READS).slice(1)) {
        const stop = new AbortController();
        const waiting = early(begin(client, stop.signal));
        await expectPending(env, waiting, name);
        stop.abort(new Error('enough'));
        const { cause } = await expectFault(waiting, ErrorCode.ERR_ABRT, name);
        expectEqual(String(cause), 'Error: enough', 'the cause');
        await expectFault(begin(client, stop.signal), ErrorCode.ERR_ABRT, `${name}, aborted before`);
      }
      await peer.send('ine\n');
      expectEqual(await readLine(client), `${BEGINNING}ine`, 'the line');
      const stop = new AbortController();
      const none = early(read(client, { signal: stop.signal }).next());
      const first = write(client, pattern(1, 0, MORE_THAN_KERNEL));
      const second = write(client, 'never', { signal: stop.signal });
      const fin = end(client, { signal: stop.signal });
      await expectPending(env, Promise.race([none, second, fin]), 'each');
      stop.abort();
      for (const waiting of [none, second, fin]) await expectFault(waiting, ErrorCode.ERR_ABRT, 'each');
      const draining = peer.drain(1);
      await first;
      await end(client);
      expectEqual(await draining, { bytes: MORE_THAN_KERNEL, matches: true, end: 'fin' }, 'what arrived');
    },
  },
  {
    id: 'S2.end',
    title: 'every wait ends when the client does, with the code of onError or ERR_CLSD',
    async run(env) {
      for (const [name, begin] of Object.entries(READS)) {
        for (const way of ['reset', 'abort', 'close'] as const) {
          const { client, peer } = await linkedToPeer(env);
          const reading = early(begin(client));
          const writing = write(client, pattern(0, 0, MORE_THAN_KERNEL));
          await env.settle();
          if (way === 'reset') await peer.reset();
          else client[way]();
          if (way === 'close') await peer.drain();
          const code = { reset: ErrorCode.ERR_RST, abort: ErrorCode.ERR_ABRT, close: ErrorCode.ERR_CLSD }[
            way
          ];
          await expectFault(writing, code, `write after ${way}`);
          if (way === 'close') await peer.close();
          await expectFault(reading, code, `${name} after ${way}`);
          await expectFault(begin(client), code, `a later ${name} after ${way}`);
          await expectFault(write(client, 'late'), code, `a later write after ${way}`);
        }
      }
    },
  },
  {
    id: 'S2.fin',
    title: 'the peer’s FIN ends an iteration, and a read of bytes that it cuts off with ERR_CLSD',
    async run(env) {
      for (const [name, begin] of Object.entries(READS)) {
        const { client, history, peer } = await linkedToPeer(env);
        read(client);
        if (name !== 'read') await peer.send(BEGINNING);
        const waiting = early(begin(client));
        await peer.close();
        if (name === 'read') expectEqual(await waiting, { done: true }, 'the iteration');
        else await expectFault(waiting, ErrorCode.ERR_CLSD, name);
        await env.until('it is over', () => history.over);
        expectEqual(history.reason, 'ended', 'why it is over');
      }
    },
  },
  {
    id: 'S2.listen',
    title:
      'listen brings every client and loses no data before its first read; its signal ends loop and server',
    async run(env) {
      const stop = new AbortController();
      const { address, serverStack: stack } = env;
      const clients = listen(0, { address, stack, signal: stop.signal });
      await clients.started;
      const peers = [
        await env.peer.connect(clients.server.port()),
        await env.peer.connect(clients.server.port()),
      ];
      for (const peer of peers) {
        await peer.send('early\n');
        await peer.shutdown();
      }
      await env.until('both are accepted', () => clients.server.count() === 2);
      await env.settle();
      const lines: (string | undefined)[] = [];
      for await (const client of clients) {
        lines.push(await readLine(client));
        await env.settle();
        await write(client, 'late');
        expectEqual(await readLine(client), undefined, 'behind the last line');
        if (lines.length === 2) stop.abort();
      }
      expectEqual(lines, ['early', 'early'], 'the lines');
      for (const peer of peers) expectEqual(await peer.receive(100), 'late', 'the answer');
      const refused = AsyncClient.open(address, clients.server.port(), { stack: env.clientStack });
      await refused.catch(() => undefined);
      for (const peer of peers) await peer.close();
      await env.until('no client is left', () => clients.server.count() === 0);
    },
  },
  {
    id: 'S3.end',
    title:
      'end is FIN behind everything that was written, and receiving goes on; so is close() of a writable',
    async run(env) {
      for (const way of ['end', 'web'] as const) {
        const { client, history, peer } = await linkedToPeer(env);
        const writer = way === 'web' ? toWeb(client).writable.getWriter() : undefined;
        const answer = early(readLine(client));
        void (writer?.write('last words') ?? write(client, 'last words'));
        await (writer?.close() ?? end(client));
        expectEqual(await peer.receive(100), 'last words', 'up to the FIN');
        await peer.send('answer\n');
        expectEqual(await answer, 'answer', 'after the FIN');
        await peer.close();
        expectEqual(await readLine(client), undefined, 'the end');
        await env.until('it is over', () => history.over);
        expectEqual(history.life, ['connect', 'disconnect'], 'callbacks');
      }
    },
  },
  {
    id: 'S3.half-open',
    title:
      'a read that meets the peer’s FIN closes the client behind its writes, unless half-open is allowed',
    limits: { sendBufferBytes: SEND_BUFFER },
    async run(env) {
      for (const halfOpen of [false, true]) {
        const { client, history, peer } = await linkedToPeer(env, (fresh) =>
          fresh.setAllowHalfOpen(halfOpen),
        );
        const first = readLine(client);
        await peer.send('request\n');
        await peer.shutdown();
        expectEqual(await first, 'request', 'the line');
        await env.settle();
        expect(!history.over, 'the client can answer');
        const writing = write(client, pattern(2, 0, MORE_THAN_KERNEL));
        expectEqual(await readLine(client), undefined, 'the end');
        const late = write(client, pattern(2, MORE_THAN_KERNEL, 10));
        const draining = peer.drain(2);
        await writing;
        if (halfOpen) await Promise.all([late, end(client)]);
        else await expectFault(late, ErrorCode.ERR_CLSD, 'a write after the end was read');
        const bytes = MORE_THAN_KERNEL + (halfOpen ? 10 : 0);
        expectEqual(await draining, { bytes, matches: true, end: 'fin' }, 'what arrived');
        await peer.close();
        await env.until('it is over', () => history.over);
      }
    },
  },
  {
    id: 'S3.shutdown',
    title: 'a write that waits when the program calls shutdown() fails, and what `add` took arrives',
    limits: { sendBufferBytes: SEND_BUFFER },
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      const first = early(write(client, pattern(7, 0, MORE_THAN_KERNEL)));
      const second = early(write(client, 'never'));
      await untilFull(env, client);
      expectEqual(client.shutdown(), ErrorCode.ERR_OK, 'shutdown()');
      for (const waiting of [first, second]) {
        await expectFault(waiting, ErrorCode.ERR_CLSD, 'a write that waited');
      }
      await expectFault(write(client, 'late'), ErrorCode.ERR_CLSD, 'a write afterwards');
      const { bytes, matches, end: how } = await peer.drain(7);
      expect(bytes < MORE_THAN_KERNEL, `${bytes} bytes arrived`);
      expectEqual([matches, how], [true, 'fin'], 'what arrived');
    },
  },
  {
    id: 'S3.reset',
    title: 'abort of a writable, cancel of a readable with a reason, and a write that is torn are resets',
    limits: { sendBufferBytes: SEND_BUFFER },
    async run(env) {
      const ways: Readonly<Record<string, (client: AsyncClient) => Promise<unknown>>> = {
        abort: (client) => toWeb(client).writable.abort(),
        cancel: (client) => toWeb(client).readable.cancel(new Error('enough')),
        torn: async (client) => {
          const stop = new AbortController();
          const torn = write(client, pattern(0, 0, MORE_THAN_KERNEL), { signal: stop.signal });
          await env.settle();
          stop.abort();
          await expectFault(torn, ErrorCode.ERR_ABRT, 'the torn write');
        },
      };
      for (const [name, way] of Object.entries(ways)) {
        const { client, history, peer } = await linkedToPeer(env);
        await way(client);
        expectEqual((await peer.drain()).end, 'reset', `how the peer saw ${name}`);
        await env.until('it is over', () => history.over);
        expectEqual([history.reason, history.code], ['aborted', ErrorCode.ERR_ABRT], name);
      }
    },
  },
  {
    id: 'S3.errors',
    title: 'errors carry the system’s code, errno, syscall, address and port, as those of node:net do',
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      const reading = early(readLine(client));
      await peer.reset();
      const reset = await expectFault(reading, ErrorCode.ERR_RST, 'a reset');
      expectCause(env, reset, { code: 'ECONNRESET', syscall: 'read' });

      const { clientStack: stack } = env;
      const [address] = env.peerAddresses;
      const port = await deadPort(env);
      const connecting = AsyncClient.open(address, port, { stack });
      const refused = await expectFault(connecting, ErrorCode.ERR_RST, 'a refusal');
      expectCause(env, refused, { code: 'ECONNREFUSED', syscall: 'connect', address, port });

      const server = await env.serve((accepted) => new History(accepted));
      const taken = listen(server.port(), { address: env.address, stack: env.serverStack });
      const inUse = await expectFault(taken.next(), ErrorCode.ERR_USE, 'a taken port');
      expectCause(env, inUse, { code: 'EADDRINUSE', address: env.address, port: server.port() });
    },
  },
];
