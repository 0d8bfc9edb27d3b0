// The benchmark's entry: `npm run bench -- --help`. The table goes to standard output, progress to standard
// error.

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { killChildrenAtExit } from './children.js';
import { chooseCores } from './cores.js';
import { compileLoad } from './load-compile.js';
import { type Bench, measureWorkload, type Round } from './measure.js';
import { HELP, type Options, parseOptions, UsageError } from './options.js';
import { lowestRatioLine, type Result, resultsOf, tableOf } from './report.js';

function machineLine(cores: ReturnType<typeof chooseCores>): string {
  const machine = `Node.js ${process.version}, ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`;
  if (typeof cores === 'string') return `${machine}; not pinned to cores: ${cores}, so expect noise`;
  return `${machine}; server on core ${cores.server}, load generator on core ${cores.load}`;
}

async function run(options: Options): Promise<void> {
  const binary = compileLoad();
  const cores = chooseCores();
  const { timing, rounds, contestants } = options;
  const bench: Bench = { binary, cores: typeof cores === 'string' ? undefined : cores, timing, rounds };
  const machine = machineLine(cores);
  const timingLine = `${rounds} rounds of ${timing.measureMs} ms each, medians`;

  const results: Result[] = [];
  const details: { workload: string; contestant: string; rounds: readonly Round[] }[] = [];
  for (const [index, workload] of options.workloads.entries()) {
    process.stderr.write(`${index + 1}/${options.workloads.length} ${workload.name}\n`);
    const measured = await measureWorkload(bench, contestants, workload);
    results.push(...resultsOf(workload, contestants, measured));
    for (const [position, { name }] of contestants.entries()) {
      details.push({ workload: workload.name, contestant: name, rounds: measured[position] ?? [] });
    }
  }

  process.stdout.write(`${machine}; ${timingLine}\n\n${tableOf(results)}\n\n${lowestRatioLine(results)}\n`);
  if (options.jsonFile !== undefined) {
    const report = { machine, timing, results, details };
    writeFileSync(options.jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  }
}

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
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
