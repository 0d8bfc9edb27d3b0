/**
 * Runs rounds of the fuzzer until the time is over, each with the next seed:
 *
 *     node fuzz-program.js [--seconds number] [--rounds number] [--seed number]
 *
 * The first violation ends it with status 1, and prints the seed and the command that repeats the round.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ON_PURPOSE } from './random-client.js';
import { Round } from './round.js';

const SECONDS = 10;
/** The first round makes Node open the descriptors that it opens at their first use. */
const WARM_UP_SEED = 1;
const REPORT_EVERY_MS = 60_000;

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, rounds: { type: 'string' }, seed: { type: 'string' } },
});
const first = Number(values.seed ?? randomInt(2 ** 31));
const rounds = Number(values.rounds ?? Infinity);
const endMs = performance.now() + Number(values.seconds ?? SECONDS) * 1000;
const isVerbose = values.seconds !== undefined;

let seed = WARM_UP_SEED;
const totals = { rounds: 0, connections: 0, bytes: 0, detachedMemory: 0 };

function fail(violations: readonly string[]): never {
  console.error(violations.join('\n'));
  console.error(`round with seed ${seed}; again: npm run test:fuzz -- --seed ${seed} --rounds 1`);
  process.exit(1);
}

process.on('uncaughtException', (error) => {
  if (error.message !== ON_PURPOSE) fail([`uncaught: ${error.stack ?? String(error)}`]);
});

function report(): void {
  const { rounds: played, connections, bytes, detachedMemory } = totals;
  const mib = (bytes / 2 ** 20).toFixed(0);
  const text = `${played} rounds from seed ${first} on, ${connections} connections, ${mib} MiB`;
  console.log(`${text}, memory was detached in ${detachedMemory}`);
}

async function run(isFirst = false): Promise<void> {
  const { violations, links, bytes, detachedMemory } = await new Round(seed).run(isFirst);
  if (violations.length > 0) fail(violations);
  totals.connections += links;
  totals.bytes += bytes;
  totals.detachedMemory += detachedMemory ? 1 : 0;
}

// Without the watchdog, whose thread would open and close descriptors while they are counted.
process.env['CONFIG_ASYNC_TCP_USE_WDT'] = '0';
process.stdout.write('');
process.stderr.write('');
await run(true);
let reportedMs = performance.now();
for (seed = first; totals.rounds < rounds && performance.now() < endMs; seed += 1) {
  await run();
  totals.rounds += 1;
  if (!isVerbose || performance.now() - reportedMs < REPORT_EVERY_MS) continue;
  reportedMs = performance.now();
  report();
}
report();
