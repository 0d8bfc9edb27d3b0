/** Clients of HTTP, with a server of node:http as their peer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { HANGS_MS } from '../e2e/programs/inline.js';
import { inEachWay, runClient } from './ways.js';

/** Starts a server that counts its connections. */
async function startCounting(test: TestContext): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const server = createServer((request, response) => {
    if (request.url === '/echo') request.pipe(response);
    else response.end('a page');
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, connections: () => connections };
}

describe('clients of HTTP', { timeout: HANGS_MS }, () => {
  it('fetch many pages at once and post a megabyte: undici, and fetch with its dispatcher', (test) =>
    inEachWay(test, async (inner, way) => {
      const { url, connections } = await startCounting(inner);
      assert.deepEqual(await runClient(inner, way, 'undici', url), [
        'request: 1 kind of page',
        'request: the megabyte came back',
        'fetch: 1 kind of page',
        'fetch: the megabyte came back',
      ]);
      assert.ok(connections() >= 50, `${connections()} connections`);
    }));

  it('share the connections of an agent, and post a megabyte: axios', (test) =>
    inEachWay(test, async (inner, way) => {
      const { url, connections } = await startCounting(inner);
      assert.deepEqual(await runClient(inner, way, 'axios', url), [
        '1 kind of page',
        'the megabyte came back',
      ]);
      assert.equal(connections(), 10);
    }));
});
