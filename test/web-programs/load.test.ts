/** Event-source readers beside ordinary requests: the package eventsource, and autocannon. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { EventSource } from 'eventsource';
import { start } from '../e2e/programs.js';
import { AUTOCANNON } from '../programs/ways.js';
import { until } from '../support/until.js';
import { endExample, startExample, SYSTEM_STACKS } from './example.js';

const READERS = 16;
const CONNECTIONS = 20;
const REQUESTS = 2000;

interface Cannonade {
  readonly '2xx': number;
  readonly non2xx: number;
  readonly errors: number;
  readonly timeouts: number;
}

interface Counts {
  readonly requests: number;
  readonly ticks: number;
  readonly droppedTicks: number;
  readonly readers: number;
}

async function countsOf(url: string): Promise<Counts> {
  return (await (await fetch(`${url}/counts`)).json()) as Counts;
}

/** Returns the ticks that a reader sees, until the test is over. */
function readTicks(test: TestContext, url: string): readonly number[] {
  const source = new EventSource(`${url}/events`);
  test.after(() => source.close());
  const ticks: number[] = [];
  source.addEventListener('tick', ({ data, lastEventId }) => {
    assert.equal(lastEventId, data);
    ticks.push(Number(data));
  });
  return ticks;
}

function hasSeen(ticks: readonly number[], tick: number): boolean {
  return (ticks.at(-1) ?? 0) >= tick;
}

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`load on ${stack}`, { skip, timeout: 120_000 }, () => {
    it('sends each tick to each of 16 readers, while it answers each ordinary request', async (test) => {
      const example = await startExample(test, 'load', stack, { TICK_MS: '20' });
      const { url } = example;
      const reading = Array.from({ length: READERS }, () => readTicks(test, url));
      let atFirst = await countsOf(url);
      while (atFirst.readers < READERS) atFirst = await countsOf(url);
      const cannonade = async (path: string): Promise<Cannonade> => {
        const size = ['--connections', String(CONNECTIONS), '--amount', String(REQUESTS)];
        const cannon = start(test, process.execPath, [...AUTOCANNON, ...size, url + path]);
        return JSON.parse(await cannon.output()) as Cannonade;
      };
      for (const path of ['/', '/long']) {
        const { '2xx': answered, non2xx, errors, timeouts } = await cannonade(path);
        assert.deepEqual([answered, non2xx, errors, timeouts], [REQUESTS, 0, 0, 0], path);
      }
      const { requests, droppedTicks, ticks: last } = await countsOf(url);
      assert.deepEqual([requests, droppedTicks], [2 * REQUESTS, 0]);
      await until('all have seen the last tick', () => reading.every((ticks) => hasSeen(ticks, last)));
      for (const ticks of reading) {
        const [first = 0] = ticks;
        assert.ok(first <= atFirst.ticks + 1, `the first one is ${first}`);
        assert.deepEqual(
          ticks,
          ticks.map((_, place) => first + place),
        );
      }
      await endExample(example);
    });

    it('sends a reader that comes back the ticks that it has missed', async (test) => {
      const { url } = await startExample(test, 'load', stack, { TICK_MS: '5' });
      const last = 5;
      const ticks = readTicks(test, url);
      await until('there are ticks', () => hasSeen(ticks, last + 1));
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
