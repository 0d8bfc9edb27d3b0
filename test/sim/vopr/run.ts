/**
 * Plays runs until the time is over, or one of them fails.
 *
 *     npm run sim -- [--seed number] [--minutes number] [--from number] [--keep]
 *
 * `--seed` plays one run alone, twice, and compares the packets. The other runs have seeds from `--from` on,
 * or from a random one. `--keep` goes on after a failure.
 */
import { parseArgs } from 'node:util';
import { Census } from './census.js';
import { play, type Outcome } from './vopr.js';

const DEFAULT_MINUTES = 1;
const MS_PER_HOUR = 3_600_000;

const USAGE = 'Usage: npm run sim -- [--seed number] [--minutes number] [--from number] [--keep]';

function refuse(reason: string): never {
  console.error(`sim: ${reason}\n${USAGE}`);
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string' },
        minutes: { type: 'string' },
        from: { type: 'string' },
        keep: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** Returns the number of an option. */
function numberOf(option: 'seed' | 'from' | 'minutes'): number | undefined {
  const text = values[option];
  if (text === undefined) return undefined;
  const number = Number(text);
  const isRight = option === 'minutes' ? number > 0 : Number.isSafeInteger(number) && number >= 0;
  return isRight && text.trim() !== '' ? number : refuse(`--${option} takes a number, not '${text}'`);
}

const values = options();
if (values.help === true) {
  console.log(USAGE);
  process.exit(0);
}

function table(counts: ReadonlyMap<string, number>): string {
  const lines = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `  ${String(count).padStart(10)}  ${name}`);
  return lines.join('\n');
}

function report(census: Census, runs: number, realMs: number): string {
  const virtualHours = census.virtualMs / MS_PER_HOUR;
  const faultyHours = census.faultyMs / MS_PER_HOUR;
  const realHours = realMs / MS_PER_HOUR;
  return [
    `${runs} runs in ${(realMs / 1000).toFixed(1)} s, ${census.packets} packets, ${census.steps} steps checked`,
    `${census.faultsPlayed} faults played:`,
    table(census.faults),
    'ends of connections:',
    table(census.ends),
    `${virtualHours.toFixed(2)} virtual hours, ${faultyHours.toFixed(2)} of them with faults: ` +
      `${(faultyHours / realHours).toFixed(0)} hours of faults for each real hour`,
    `${census.bytesChecked} bytes compared, ${census.bytesAcked} acknowledged, ${census.spaces} answers of space()`,
    `${census.bytesLost} bytes lost, ${census.bytesAltered} bytes altered`,
  ].join('\n');
}

/** Prints a run that failed, and whether the same packets come again. */
async function explain(outcome: Outcome): Promise<void> {
  console.log(`\nseed ${outcome.seed} (${outcome.shape}) fails: ${outcome.failure?.stack ?? ''}`);
  const again = await play(outcome.seed);
  const isSame = again.hash === outcome.hash && again.failure?.message === outcome.failure?.message;
  console.log(`packets ${outcome.hash}; played again: ${isSame ? 'the same' : `others, ${again.hash}`}`);
  console.log(`repeat it alone: npm run sim -- --seed ${outcome.seed}\n`);
}

async function playOne(seed: number): Promise<number> {
  const startedMs = performance.now();
  const outcome = await play(seed);
  console.log(report(outcome.census, 1, performance.now() - startedMs));
  if (outcome.failure !== undefined) {
    await explain(outcome);
    return 1;
  }
  const again = await play(seed);
  console.log(
    `${outcome.shape}, packets ${outcome.hash}; played again: ${again.hash === outcome.hash ? 'the same' : 'others'}`,
  );
  return again.hash === outcome.hash ? 0 : 1;
}

async function playMany(from: number, minutes: number): Promise<number> {
  const startedMs = performance.now();
  const total = new Census();
  let failed = 0;
  let runs = 0;
  for (let seed = from; !isInterrupted && performance.now() - startedMs < minutes * 60_000; seed += 1) {
    const outcome = await play(seed);
    total.add(outcome.census);
    runs += 1;
    if (outcome.failure === undefined) continue;
    failed += 1;
    await explain(outcome);
    if (values.keep !== true) break;
  }
  console.log(report(total, runs, performance.now() - startedMs));
  if (failed > 0) console.log(`${failed} runs failed`);
  return failed > 0 ? 1 : 0;
}

const seed = numberOf('seed');
const minutes = numberOf('minutes') ?? DEFAULT_MINUTES;
const from = numberOf('from') ?? Math.floor(Math.random() * 2 ** 31);
// Ctrl-C ends it after the present run, with the report.
let isInterrupted = false;
process.once('SIGINT', () => {
  isInterrupted = true;
});
process.exitCode = seed === undefined ? await playMany(from, minutes) : await playOne(seed);
