/** Proxies, with curl as their client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { startPeer, unlessInstalled } from '../e2e/programs.js';
import { HANGS_MS } from '../e2e/programs/inline.js';
import { endServer, inEachWay, startServer } from './ways.js';

const PAGE = 'a page '.repeat(149_797);

/** curl's options for a proxy on a port. */
const PROXIES: Readonly<Record<string, (port: number) => string[]>> = {
  'socks-proxy': (port) => ['--proxy', `socks5h://127.0.0.1:${port}`],
  'connect-proxy': (port) => ['--proxy', `http://127.0.0.1:${port}`, '--proxytunnel'],
};

/** Serves the page, and resolves to its port. */
async function startWebsite(test: TestContext): Promise<number> {
  const server = createServer((_, response) => response.end(PAGE));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('proxies', { timeout: HANGS_MS }, () => {
  for (const [name, optionsFor] of Object.entries(PROXIES)) {
    it(
      `carry 50 answers of a megabyte at once, and say that a target refuses: ${name}`,
      { skip: unlessInstalled('curl') },
      (test) =>
        inEachWay(test, async (inner, way) => {
          const website = await startWebsite(inner);
          const { server, port } = await startServer(inner, way, name);
          const options = ['-sSf', '--noproxy', '', ...optionsFor(port)];
          const parallel = ['--parallel', '--parallel-immediate', '--parallel-max', '50'];
          const urls = `http://localhost:${website}/[1-50]`;
          const pages = await startPeer(inner, 'curl', ...options, ...parallel, urls).output();
          assert.equal(pages.length, 50 * PAGE.length);

          const refused = startPeer(inner, 'curl', ...options, 'http://127.0.0.1:1/');
          assert.notEqual((await refused.ended).status, 0);
          const carried = await endServer(server);
          if (carried !== undefined) assert.ok(carried.outgoing >= 50, JSON.stringify(carried));
        }),
    );
  }
});
