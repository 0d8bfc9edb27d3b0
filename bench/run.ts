// The benchmark's entry: `npm run bench -- --help`. The tables go to standard output, progress to standard
// error.

import { killChildrenAtExit } from './children.js';
import type { Contestant } from './contestants.js';
import { chooseCores } from './cores.js';
import { machineLine } from './machine.js';
import { type Bench, measureWorkload } from './measure.js';
import { canHaveConnections } from './open-files.js';
import { HELP, type Options, parseOptions } from './options.js';
import { costLines, type Result, resultsOf, tablesOf } from './report.js';
import { type Details, type Report, saveResults, writeDetails } from './save.js';
import { prepare, versionsOf } from './tools.js';
import { UsageError } from './usage-error.js';
import { runVirtual } from './virtual/run.js';
import type { Workload } from './workloads.js';

const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Returns the contestants of a workload, or the reason why it cannot run. */
function entrantsOf(workload: Workload, contestants: readonly Contestant[]): readonly Contestant[] | string {
  const { name, only, without, idle, load } = workload;
  if (!canHaveConnections(idle + load.connections)) {
    return `without ${name}: the limit on open files cannot be raised so far (prlimit, ulimit -Hn)`;
  }
  const challenger = only?.at(-1);
  if (only === undefined || challenger === undefined) {
    return contestants.filter((contestant) => without?.includes(contestant.name) !== true);
  }
  if (!contestants.some((contestant) => contestant.name === challenger)) {
    return `without ${name}: ${challenger} does not take part`;
  }
  return contestants.filter((contestant) => only.includes(contestant.name));
}

interface Measured {
  readonly results: Result[];
  readonly details: Details[];
  readonly missing: string[];
}

async function measureAll(bench: Bench, options: Options, able: readonly Contestant[]): Promise<Measured> {
  const measured: Measured = { results: [], details: [], missing: [] };
  for (const [index, workload] of options.workloads.entries()) {
    const contestants = entrantsOf(workload, able);
    if (typeof contestants === 'string') {
      tell(contestants);
      measured.missing.push(contestants);
      continue;
    }
    tell(`${index + 1}/${options.workloads.length} ${workload.name}`);
    const rounds = workload.idle > 0 ? options.idleRounds : options.rounds;
    const all = await measureWorkload(bench, contestants, workload, rounds);
    measured.results.push(...resultsOf(workload, contestants, all));
    for (const [position, { name }] of contestants.entries()) {
      measured.details.push({ workload: workload.name, contestant: name, rounds: all[position] ?? [] });
    }
  }
  return measured;
}

function print(options: Options, report: Report): void {
  const { timing, rounds, idleRounds } = options;
  const head = [
    `${report.machine}.`,
    `${report.versions}.`,
    `Medians of ${rounds} rounds of ${timing.measureMs} ms each, ${idleRounds} with idle connections.`,
    ...report.missing.map(({ reason }) => `${reason}.`),
  ];
  process.stdout.write(`${head.join('\n')}\n\n${tablesOf(report.results)}\n`);
  if (options.isOfOne) process.stdout.write(`\n${costLines(report.results)}\n`);
}

async function run(options: Options): Promise<void> {
  const { tools, contestants, workloads, missing } = await prepare(options.contestants, options.workloads);
  for (const line of missing) tell(line);
  if (contestants.length === 0) throw new UsageError('there is nobody to measure');
  const cores = chooseCores();
  const { timing, rounds, idleRounds } = options;
  const bench: Bench = { tools, cores: typeof cores === 'string' ? undefined : cores, timing };
  const measured = await measureAll(bench, { ...options, workloads }, contestants);

  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    machine: machineLine(cores),
    versions: versionsOf(contestants, workloads),
    timing: { ...timing, rounds, idleRounds },
    missing: [...missing, ...measured.missing].map((reason) => ({ reason })),
    results: measured.results,
  };
  print(options, report);
  if (options.jsonFile !== undefined) writeDetails(options.jsonFile, report, measured.details);
  if (options.save !== undefined) tell(`written: ${saveResults(options.save, report).join(', ')}`);
}

async function main(): Promise<number> {
  try {
    const args = process.argv.slice(2);
    if (args.includes('--virtual')) {
      await runVirtual(args.filter((word) => word !== '--virtual'));
      return 0;
    }
    const options = parseOptions(args);
    if (options === undefined) process.stdout.write(`${HELP}\n`);
    else await run(options);
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

killChildrenAtExit();
process.exit(await main());
