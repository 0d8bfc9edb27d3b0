/** Requests that are answered later, with curl. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Program } from '../e2e/programs.js';
import { curl, endExample, startCurl, startExample, SYSTEM_STACKS } from './example.js';

/** Begins to wait at the door. */
function waitAtDoor(test: TestContext, url: string): Program {
  return startCurl(test, `${url}/door`);
}

/** Resolves when as many clients wait. */
async function untilWaiting(test: TestContext, url: string, number: number): Promise<void> {
  let waiting = '';
  while (waiting !== String(number)) waiting = await curl(test, `${url}/waiting`);
}

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`continuation on ${stack}`, { skip, timeout: 60_000 }, () => {
    it('answers all that wait at once, and forgets a client that has gone', async (test) => {
      const example = await startExample(test, 'continuation', stack);
      const { url } = example;
      const clients = [1, 2, 3].map(() => waitAtDoor(test, url));
      await untilWaiting(test, url, 3);
      await clients[0]?.kill();
      await untilWaiting(test, url, 2);
      assert.equal(await curl(test, '--request', 'POST', `${url}/ring?who=Ada`), '2 heard it');
      for (const client of clients.slice(1)) assert.equal(await client.output(), 'Ada is at the door');
      assert.equal(await curl(test, '--request', 'POST', `${url}/ring`), '0 heard it');
      await endExample(example);
    });

    it('lets no more clients wait than it has said', async (test) => {
      const { url } = await startExample(test, 'continuation', stack);
      const clients = [1, 2, 3, 4].map(() => waitAtDoor(test, url));
      await untilWaiting(test, url, 4);
      const refused = await curl(test, '--write-out', ' %{http_code}', `${url}/door`);
      assert.equal(refused, 'enough clients wait at the door 503');
      await curl(test, '--request', 'POST', `${url}/ring`);
      for (const client of clients) assert.equal(await client.output(), 'someone is at the door');
    });

    it('serves others while it works for one', async (test) => {
      const { url } = await startExample(test, 'continuation', stack);
      const measured = curl(test, `${url}/measure`);
      assert.equal(await curl(test, `${url}/waiting`), '0');
      assert.equal(await measured, '500000500000');
    });
  });
}
