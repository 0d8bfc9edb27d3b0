/** Event-source readers beside ordinary requests: the package eventsource, and autocannon. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { EventSource } from 'eventsource';
import { start } from '../e2e/programs.js';
import { AUTOCANNON } from '../programs/ways.js';
import { endExample, startExample, SYSTEM_STACKS } from './example.js';

const READERS = 16;
const TICKS = 50;
const CONNECTIONS = 20;
const REQUESTS = 2000;

interface Cannonade {
  readonly '2xx': number;
  readonly non2xx: number;
  readonly errors: number;
  readonly timeouts: number;
}

/** Resolves to the first ticks that a reader sees. */
function readTicks(test: TestContext, url: string): Promise<number[]> {
  const source = new EventSource(url);
  test.after(() => source.close());
  const ticks: number[] = [];
  return new Promise((resolve) => {
    source.addEventListener('tick', ({ data, lastEventId }) => {
      assert.equal(lastEventId, data);
      ticks.push(Number(data));
      if (ticks.length === TICKS) resolve(ticks);
    });
  });
}

/** Resolves when so many read. */
async function untilReading(url: string, number: number): Promise<void> {
  let readers = 0;
  while (readers !== number) ({ readers } = (await (await fetch(url)).json()) as { readers: number });
}

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`load on ${stack}`, { skip, timeout: 120_000 }, () => {
    it('sends each tick to each of 16 readers, while it answers each ordinary request', async (test) => {
      const example = await startExample(test, 'load', stack, { TICK_MS: '20' });
      const { url } = example;
      const reading = Array.from({ length: READERS }, () => readTicks(test, `${url}/events`));
      await untilReading(`${url}/counts`, READERS);
      const cannonade = async (path: string): Promise<Cannonade> => {
        const size = ['--connections', String(CONNECTIONS), '--amount', String(REQUESTS)];
        const cannon = start(test, process.execPath, [...AUTOCANNON, ...size, url + path]);
        return JSON.parse(await cannon.output()) as Cannonade;
      };
      for (const path of ['/', '/long']) {
        const { '2xx': answered, non2xx, errors, timeouts } = await cannonade(path);
        assert.deepEqual([answered, non2xx, errors, timeouts], [REQUESTS, 0, 0, 0], path);
      }
      for (const ticks of await Promise.all(reading)) {
        const [first = 0] = ticks;
        assert.deepEqual(
          ticks,
          ticks.map((_, place) => first + place),
        );
      }
      const counts = (await (await fetch(`${url}/counts`)).json()) as Record<string, unknown>;
      assert.deepEqual([counts['requests'], counts['droppedTicks']], [2 * REQUESTS, 0]);
      await endExample(example);
    });

    it('sends a reader that comes back the ticks that it has missed', async (test) => {
      const { url } = await startExample(test, 'load', stack, { TICK_MS: '5' });
      const [, , , , last = 0] = await readTicks(test, `${url}/events`);
      const answer = await fetch(`${url}/events`, { headers: { 'Last-Event-ID': String(last) } });
      assert.ok(answer.body);
      let text = '';
      for await (const bytes of answer.body) {
        text += Buffer.from(bytes as Uint8Array).toString();
        if (text.includes('event: hello')) break;
      }
      assert.match(text, new RegExp(`^id: ${last + 1}\\n`, 'm'));
      assert.match(text, new RegExp(`^data: welcome back after ${last}$`, 'm'));
    });
  });
}
