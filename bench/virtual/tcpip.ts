// npm's `tcpip`: lwIP in WebAssembly, with Web Streams.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { CACHE, installInto } from '../install.js';
import { type Batch, CHUNK, type Contestant, Countdown, MESSAGE, MESSAGE_BYTES } from './contestant.js';

const PACKAGE = 'tcpip@0.3.2';
const FOLDER = join(CACHE, PACKAGE);
const HOST = '127.0.0.1';

interface TcpConnection {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  close(): Promise<void>;
}

/** The part of the package that is used here. */
interface TcpipStack {
  connectTcp(options: { host: string; port: number }): Promise<TcpConnection>;
  listenTcp(options: { port: number }): Promise<AsyncIterable<TcpConnection>>;
}

/** Resolves to the reason if the package cannot be installed. */
export function installTcpip(): Promise<string | undefined> {
  return installInto(FOLDER, [PACKAGE]);
}

async function createStack(): Promise<TcpipStack> {
  const path = createRequire(join(FOLDER, 'index.js')).resolve('tcpip');
  const module = (await import(pathToFileURL(path).href)) as { createStack(): Promise<TcpipStack> };
  return module.createStack();
}

async function readAll(connection: TcpConnection, take: (bytes: Uint8Array) => void): Promise<void> {
  const reader = connection.readable.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) take(piece.value);
}

export class TcpipContestant implements Contestant {
  readonly #stack = createStack();
  #nextPort = 8000;

  async #serve(onConnection: (connection: TcpConnection) => Promise<void>): Promise<number> {
    this.#nextPort += 1;
    const listener = await (await this.#stack).listenTcp({ port: this.#nextPort });
    void (async () => {
      for await (const connection of listener) void onConnection(connection);
    })();
    return this.#nextPort;
  }

  async echo(connections: number): Promise<Batch> {
    const port = await this.#serve(async (connection) => {
      const writer = connection.writable.getWriter();
      await readAll(connection, (bytes) => void writer.write(bytes));
    });
    const countdown = new Countdown();
    const writers: WritableStreamDefaultWriter<Uint8Array>[] = [];
    let unsent = 0;
    let heard = 0;
    for (let number = 0; number < connections; number += 1) {
      const connection = await (await this.#stack).connectTcp({ host: HOST, port });
      const writer = connection.writable.getWriter();
      writers.push(writer);
      void readAll(connection, (bytes) => {
        heard += bytes.length;
        if (heard < MESSAGE_BYTES) return;
        heard -= MESSAGE_BYTES;
        countdown.done();
        if (unsent <= 0) return;
        unsent -= 1;
        void writer.write(MESSAGE);
      });
    }
    return {
      run: (count) => {
        countdown.begin(count);
        unsent = Math.max(0, count - connections);
        for (const writer of writers.slice(0, count)) void writer.write(MESSAGE);
        return countdown.over;
      },
    };
  }

  async bulk(): Promise<Batch> {
    const countdown = new Countdown();
    const port = await this.#serve((connection) =>
      readAll(connection, (bytes) => {
        countdown.done(bytes.length);
      }),
    );
    const connection = await (await this.#stack).connectTcp({ host: HOST, port });
    const writer = connection.writable.getWriter();
    return {
      run: async (count) => {
        countdown.begin(count);
        for (let left = count; left > 0; left -= CHUNK.length) {
          await writer.write(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK);
        }
        await countdown.over;
      },
    };
  }

  async connectClose(): Promise<Batch> {
    const port = await this.#serve((connection) => connection.close());
    return {
      run: async (count) => {
        for (let number = 0; number < count; number += 1) {
          const connection = await (await this.#stack).connectTcp({ host: HOST, port });
          await readAll(connection, () => undefined);
          await connection.close();
        }
      },
    };
  }
}
