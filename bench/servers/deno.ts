// The same server on Deno's own sockets. It only runs on Deno. The types of Deno that it needs are declared
// here.

import { announce, askedMode, CHUNK, fault } from './child.js';

interface Connection {
  /** Resolves to the number of bytes read, `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  setNoDelay(on: boolean): void;
  close(): void;
}

interface Listener extends AsyncIterable<Connection> {
  readonly addr: { readonly port: number };
}

declare const Deno: { listen(options: { hostname: string; port: number }): Listener };

const mode = askedMode();

/** Size of each connection's buffer; for echoes, that of the largest message. */
const RECEIVE_BYTES = (mode === 'echo' ? 16 : 64) * 1024;

async function writeAll(connection: Connection, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await connection.write(bytes.subarray(written));
}

async function receive(connection: Connection): Promise<void> {
  const buffer = new Uint8Array(RECEIVE_BYTES);
  for (;;) {
    const length = await connection.read(buffer);
    if (length === null) return;
    if (mode === 'echo') await writeAll(connection, buffer.subarray(0, length));
  }
}

async function sendWithoutEnd(connection: Connection): Promise<never> {
  for (;;) await writeAll(connection, CHUNK);
}

async function serve(connection: Connection): Promise<void> {
  connection.setNoDelay(true);
  try {
    await (mode === 'send' ? sendWithoutEnd(connection) : receive(connection));
  } catch (error) {
    // In mode `send` the reader goes away at any time.
    if (mode !== 'send') fault(`a connection failed: ${String(error)}`);
  }
  connection.close();
}

const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 });
announce(listener.addr.port);
for await (const connection of listener) void serve(connection);
