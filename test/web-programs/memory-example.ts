/** Examples in this process, on a memory stack, and connections to them. */
import type { TestContext } from 'node:test';
import { connect, type Socket } from 'asynctcp/net';
import type { AsyncWebServer } from 'asynctcp-web';

export interface MemoryExample {
  readonly port: number;
  readonly open: () => Socket;
}

const ALIVE_MS = 60_000;

/** Runs an example until the test is over. It can be run once in a process. */
export async function runInMemory(test: TestContext, name: string): Promise<MemoryExample> {
  process.env['STACK'] = 'memory';
  process.env['PORT'] = '0';
  const { server } = (await import(`asynctcp-examples-web/${name}`)) as { server: AsyncWebServer };
  const { stack } = await import('asynctcp-examples-web/serve');
  // The connections of a memory stack keep no process alive.
  const alive = setInterval(() => undefined, ALIVE_MS);
  test.after(() => {
    clearInterval(alive);
    return server.end(0);
  });
  const port = server.port();
  return {
    port,
    open: () => connect({ port, host: '127.0.0.1', ...(stack === undefined ? {} : { stack }) }),
  };
}
