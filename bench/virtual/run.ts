// `npm run bench -- --virtual`: the virtual stack and its alternatives, both ends of each connection in one
// thread on one core.

import { mkdirSync, writeFileSync } from 'node:fs';
import { release, cpus } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';

import { childEnd, startChild } from '../children.js';
import { chooseCores, onCore } from '../cores.js';
import { kernelVersion } from '../machine.js';
import { median } from '../statistics.js';
import { CONTESTANTS, INLINING, virtualTableRows, type VirtualReport, WORKLOADS } from './figures.js';
import { makeRelease } from './release.js';
import { installTcpip } from './tcpip.js';

/** This module runs three levels below the package. */
const RESULTS = join(import.meta.dirname, '..', '..', '..', 'bench', 'results');
const LONGEST_MS = 180_000;
const ROUNDS = 3;
const FULL_MS = 2000;
const QUICK_MS = 500;

const tell = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

type Measurement = readonly [contestant: string, workload: string];

/** Resolves to a figure; `undefined` if the contestant has none. Throws if the child fails. */
async function measure(
  path: string,
  [contestant, workload]: Measurement,
  ms: number,
): Promise<number | undefined> {
  const cores = chooseCores();
  const core = typeof cores === 'string' ? undefined : cores.server;
  const [name = '', options] = contestant.split(' ');
  const flags = ['--expose-gc', ...(options === undefined ? [] : INLINING)];
  const command = onCore(core, [process.execPath, ...flags, path, name, workload, String(ms)]);
  const child = startChild(command, ['ignore', 'pipe', 'inherit']);
  const said = child.stdout === null ? Promise.resolve('') : text(child.stdout);
  const status = await childEnd(child, LONGEST_MS);
  if (status !== 0) throw new Error(`${contestant} fails ${workload}`);
  const figure = (await said).trim();
  return figure === '' ? undefined : Number(figure);
}

/** Measures all in turns, and returns the medians. */
async function measureAll(path: string, contestants: readonly string[], rounds: number, ms: number) {
  const found = new Map<string, Map<string, number[]>>();
  for (const workload of WORKLOADS) {
    for (let round = 0; round < rounds; round += 1) {
      const turn = round % 2 === 0 ? contestants : contestants.toReversed();
      for (const contestant of turn) {
        tell(`${workload}, round ${round + 1} of ${rounds}: ${contestant}`);
        const figure = await measure(path, [contestant, workload], ms);
        if (figure === undefined) continue;
        const ofContestant = found.get(contestant) ?? new Map<string, number[]>();
        found.set(contestant, ofContestant);
        ofContestant.set(workload, [...(ofContestant.get(workload) ?? []), figure]);
      }
    }
  }
  return Object.fromEntries(
    [...found].map(([contestant, of]) => [
      contestant,
      Object.fromEntries([...of].map(([workload, figures]) => [workload, median(figures)])),
    ]),
  );
}

export async function runVirtual(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      contestants: { type: 'string' },
      save: { type: 'string' },
    },
  });
  const reason = await installTcpip();
  const missing = reason === undefined ? [] : [{ reason: `without tcpip: ${reason}` }];
  for (const line of missing) tell(line.reason);
  const asked = values.contestants?.split(',');
  const contestants = CONTESTANTS.filter(
    (name) => asked?.includes(name) !== false && (name !== 'tcpip' || reason === undefined),
  );
  const rounds = Number(values.rounds ?? ROUNDS);
  const report: VirtualReport = {
    date: new Date().toISOString().slice(0, 10),
    machine: `Linux ${kernelVersion(release())}, ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, one core; Node.js ${process.version}`,
    rounds,
    missing,
    figures: await measureAll(
      makeRelease('child.js'),
      contestants,
      rounds,
      values.quick ? QUICK_MS : FULL_MS,
    ),
  };
  const rows = virtualTableRows(report);
  process.stdout.write(`${report.machine}.\nMedians of ${rounds} rounds.\n\n${markdownTable(rows)}\n`);
  const isWhole = asked === undefined && !values.quick;
  const name = values.save ?? (isWhole ? 'virtual' : undefined);
  if (name === undefined) return;
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  tell(`written: bench/results/${name}.json`);
}
