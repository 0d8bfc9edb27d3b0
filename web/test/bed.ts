/** A web server under test, on each stack, and requests to it. */
import { once } from 'node:events';
import http from 'node:http';
import type { TestContext } from 'node:test';
import { memoryStack, type StackOption } from 'asynctcp';
import { connect, type Socket } from 'asynctcp/net';
import { AsyncWebServer, type AsyncWebServerOptions } from 'asynctcp-web';

/** The stacks on the system's TCP, which real peers reach. */
export const SYSTEM_STACKS = ['kernel', 'node'] as const;

export const STACKS = [...SYSTEM_STACKS, 'memory'] as const;

export type StackName = (typeof STACKS)[number];

/** An answer as a client got it. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The body as text. */
  readonly text: string;
}

export interface Ask extends http.RequestOptions {
  /** A body, or the pieces in which it is written. */
  readonly body?: string | Uint8Array | readonly Uint8Array[] | undefined;
}

export interface Bed {
  readonly server: AsyncWebServer;
  readonly port: number;
  /** Lines that the server has logged. */
  readonly log: readonly string[];
  /** Sends a request on a connection of its own. */
  readonly ask: (path: string, options?: Ask) => Promise<Answer>;
  /** Opens a connection, for bytes that no client sends. */
  readonly open: () => Socket;
  /** Sends bytes on a connection of its own, and returns all that came until it was closed. */
  readonly raw: (bytes: string | Uint8Array) => Promise<string>;
}

const ALIVE_MS = 60_000;

/** Makes a server listen until the test is over. */
export async function bed(
  test: TestContext,
  name: StackName,
  configure: (server: AsyncWebServer) => void,
  options: AsyncWebServerOptions = {},
): Promise<Bed> {
  const log: string[] = [];
  const stack: StackOption = name === 'memory' ? memoryStack() : name;
  const server = new AsyncWebServer(0, {
    host: '127.0.0.1',
    stack,
    log: (line) => log.push(line),
    ...options,
  });
  configure(server);
  await server.begin();
  // The connections of a memory stack keep no process alive.
  const alive = setInterval(() => undefined, ALIVE_MS);
  test.after(() => {
    clearInterval(alive);
    return server.end(0);
  });
  const port = server.port();
  const open = (): Socket => connect({ port, host: '127.0.0.1', stack });
  return {
    server,
    port,
    log,
    open,
    raw: (bytes) => rawAnswer(open(), bytes),
    ask: (path, { body, ...asked } = {}) =>
      answerTo(http.request({ path, port, createConnection: open, ...asked }), body),
  };
}

/** Sends bytes, and returns all that came until the connection was closed or reset. */
export function rawAnswer(socket: Socket, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => (answer += piece));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(answer);
    });
    socket.write(bytes);
  });
}

/** Opens a connection without a request, and waits until the server has ended it. */
export async function idleConnectionEnds({ open }: Bed): Promise<void> {
  const idle = open().on('error', () => undefined);
  idle.resume();
  await once(idle, 'close');
}

/** Ends a request with its body, and returns the answer. */
export function answerTo(request: http.ClientRequest, body: Ask['body']): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('error', reject);
      response.once('end', () => {
        const whole = Buffer.concat(pieces);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: whole,
          text: whole.toString(),
        });
      });
    });
    const pieces = typeof body === 'string' || body instanceof Uint8Array ? [body] : (body ?? []);
    for (const piece of pieces.slice(0, -1)) request.write(piece);
    request.end(pieces.at(-1));
  });
}
