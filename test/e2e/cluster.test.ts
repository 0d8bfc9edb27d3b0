/** Workers of `node:cluster` share one port: `auto` by Node's own means, `kernel` with `reusePort`. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { loadAddon } from '#src/addon/load-addon.js';
import { start } from './programs.js';
import { freePort } from '../support/free-port.js';
import { HANGS_MS, program } from './programs/inline.js';

const WORKERS = 2;

/** The workers listen. The primary connects until each worker has answered with its number and its stack. */
function clusterProgram(test: TestContext, options: string, port: number): string {
  return program(
    test,
    `
import cluster from 'node:cluster';
const { AsyncClient, AsyncServer } = asynctcp;
if (cluster.isWorker) {
  const server = new AsyncServer('127.0.0.1', ${port}, ${options});
  server.onClient((client) => {
    client.write(String(cluster.worker.id));
    client.close();
  });
  await server.begin();
  process.send(server.port());
  process.on('disconnect', () => server.end());
} else {
  const workers = Array.from({ length: ${WORKERS} }, () => cluster.fork());
  const ports = await Promise.all(
    workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
  );
  const answered = new Set();
  while (answered.size < ${WORKERS}) {
    answered.add(
      await new Promise((resolve, reject) => {
        const client = new AsyncClient();
        client.onData((_, data) => resolve(new TextDecoder().decode(data)));
        client.onError((_, code) => reject(new Error(AsyncClient.errorToString(code))));
        client.connect('127.0.0.1', ports[0]);
      }),
    );
  }
  console.log(new Set(ports).size, 'port,', answered.size, 'workers');
  cluster.disconnect();
}`,
  );
}

describe('workers of node:cluster', { timeout: HANGS_MS }, () => {
  const serve = async (test: TestContext, options: string, port: number): Promise<void> => {
    const running = start(test, process.execPath, [clusterProgram(test, options, port)]);
    assert.deepEqual(await running.ended, { status: 0, signal: null }, running.stderr.text);
    assert.equal(running.stdout.text, `1 port, ${WORKERS} workers\n`);
  };

  it('share a port that the system chose, where no stack is named', (test) => serve(test, '{}', 0));

  const { reason } = loadAddon();
  it(
    'share one of their own choice on the stack kernel, by reusePort',
    { skip: reason ?? false },
    async (test) => serve(test, "{ stack: 'kernel', reusePort: true }", await freePort()),
  );
});
