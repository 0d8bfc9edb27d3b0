/** Runs a program of examples/web in this process, on a memory stack, and asks it by node:http. */
import http from 'node:http';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { connect } from 'asynctcp/net';
import type { AsyncWebServer } from 'asynctcp-web';

const ALIVE_MS = 60_000;

/** A program that listens in this process. */
export interface Place {
  readonly port: number;
  /** Opens a connection to it. */
  readonly open: () => Socket;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: Uint8Array;
}

/** Sends a request on a connection of its own. Resolves to the status and the text of the answer. */
export type Ask = (
  path: string,
  asked?: Asked,
) => Promise<{ readonly status: number; readonly text: string }>;

/**
 * Imports a program, which listens then, and ends its server with the test.
 * @param load imports it. Each file of tests may do so once.
 */
export async function listenInMemory(
  test: TestContext,
  load: () => Promise<{ readonly server: AsyncWebServer }>,
): Promise<Place> {
  process.env['STACK'] = 'memory';
  process.env['PORT'] = '0';
  const { server } = await load();
  const { stack } = await import('asynctcp-examples-web/serve');
  // The connections of a memory stack keep no process alive.
  const alive = setInterval(() => undefined, ALIVE_MS);
  test.after(() => {
    clearInterval(alive);
    return server.end(0);
  });
  const port = server.port();
  return { port, open: () => connect({ port, host: '127.0.0.1', stack }) };
}

/** Imports a program as `listenInMemory` does, and returns a function that asks it. */
export async function inMemory(...program: Parameters<typeof listenInMemory>): Promise<Ask> {
  const { open: createConnection } = await listenInMemory(...program);
  return (path, { body, ...asked } = {}) =>
    new Promise((resolve, reject) => {
      const request = http.request({ path, createConnection, ...asked });
      request.once('error', reject);
      request.once('response', (response) => {
        buffer(response).then((bytes) => {
          resolve({ status: response.statusCode ?? 0, text: bytes.toString() });
        }, reject);
      });
      request.end(body);
    });
}
