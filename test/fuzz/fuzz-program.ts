/**
 * Plays rounds of the fuzzer until the time is over, each with the next seed:
 *
 *     node fuzz-program.js [--seconds number] [--rounds number] [--seed number]
 *
 * The first fault ends it with status 1, its seed and how to play it again.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ON_PURPOSE } from './random-client.js';
import { Round } from './round.js';

const SECONDS = 10;
/** Opens what Node opens at the first use. */
const WARM_UP_SEED = 1;
const TELL_EVERY_MS = 60_000;

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, rounds: { type: 'string' }, seed: { type: 'string' } },
});
const first = Number(values.seed ?? randomInt(2 ** 31));
const rounds = Number(values.rounds ?? Infinity);
const endMs = performance.now() + Number(values.seconds ?? SECONDS) * 1000;
const isTold = values.seconds !== undefined;

let seed = WARM_UP_SEED;
const totals = { rounds: 0, connections: 0, bytes: 0, tookMemory: 0 };

function fail(faults: readonly string[]): never {
  console.error(faults.join('\n'));
  console.error(`round with seed ${seed}; again: npm run test:fuzz -- --seed ${seed} --rounds 1`);
  process.exit(1);
}

process.on('uncaughtException', (error) => {
  if (error.message !== ON_PURPOSE) fail([`uncaught: ${error.stack ?? String(error)}`]);
});

function tell(): void {
  const { rounds: played, connections, bytes, tookMemory } = totals;
  const mib = (bytes / 2 ** 20).toFixed(0);
  const text = `${played} rounds from seed ${first} on, ${connections} connections, ${mib} MiB`;
  console.log(`${text}, memory was taken away in ${tookMemory}`);
}

async function play(isFirst = false): Promise<void> {
  const { faults, links, bytes, tookMemory } = await new Round(seed).play(isFirst);
  if (faults.length > 0) fail(faults);
  totals.connections += links;
  totals.bytes += bytes;
  totals.tookMemory += tookMemory ? 1 : 0;
}

// The watchdog's thread has descriptors, and gives them back when nobody counts on it.
process.env['CONFIG_ASYNC_TCP_USE_WDT'] = '0';
process.stdout.write('');
process.stderr.write('');
await play(true);
let toldMs = performance.now();
for (seed = first; totals.rounds < rounds && performance.now() < endMs; seed += 1) {
  await play();
  totals.rounds += 1;
  if (!isTold || performance.now() - toldMs < TELL_EVERY_MS) continue;
  toldMs = performance.now();
  tell();
}
tell();
