/** Web frameworks, with curl and autocannon as their peers. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { start, startPeer, unlessInstalled } from '../e2e/programs.js';
import { HANGS_MS, temporaryFolder } from '../e2e/programs/inline.js';
import { AUTOCANNON, endServer, inEachWay, startServer } from './ways.js';

const CONNECTIONS = 50;
const REQUESTS = 1000;

const GREETINGS: Readonly<Record<string, string>> = {
  express: 'hello from Express',
  fastify: '{"hello":"from Fastify"}',
  hono: 'hello from Hono',
  koa: 'hello from Koa',
};

/** Posts a megabyte with curl, which asks the server first if it may ('Expect: 100-continue'). */
async function post(test: TestContext, url: string): Promise<void> {
  const folder = temporaryFolder(test);
  const sent = randomBytes(1_048_576);
  writeFileSync(`${folder}/sent`, sent);
  const files = ['--data-binary', `@${folder}/sent`, '-o', `${folder}/answer`];
  const headers = ['-H', 'Expect: 100-continue', '-H', 'Content-Type: application/octet-stream'];
  await startPeer(test, 'curl', '-sSf', ...files, ...headers, `${url}/echo`).output();
  assert.ok(readFileSync(`${folder}/answer`).equals(sent), 'the answer is not what was sent');
}

/** Fetches the page on many connections at once. */
async function load(test: TestContext, url: string): Promise<void> {
  const options = ['--connections', String(CONNECTIONS), '--amount', String(REQUESTS)];
  const output = await start(test, process.execPath, [...AUTOCANNON, ...options, url]).output();
  const report = JSON.parse(output) as Record<string, unknown>;
  assert.deepEqual([report['2xx'], report['errors'], report['timeouts']], [REQUESTS, 0, 0]);
}

describe('servers of HTTP', { timeout: HANGS_MS }, () => {
  for (const [name, greeting] of Object.entries(GREETINGS)) {
    it(
      `answer each request rightly, many connections and a megabyte: ${name}`,
      { skip: unlessInstalled('curl') },
      (test) =>
        inEachWay(test, async (inner, way) => {
          const { server, port } = await startServer(inner, way, name);
          const url = `http://127.0.0.1:${port}`;
          assert.equal(await startPeer(inner, 'curl', '-sSf', url).output(), greeting);
          await post(inner, url);
          await load(inner, url);
          await endServer(server);
        }),
    );
  }
});
