// The result files of a run.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { chartOf } from './chart.js';
import type { Timing } from './options.js';
import type { Result } from './report.js';
import type { Round } from './round.js';

/** This module runs two levels below the package. */
const RESULTS = join(import.meta.dirname, '..', '..', 'bench', 'results');

const SIGNIFICANT_DIGITS = 5;

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly versions: string;
  readonly timing: Timing & { readonly rounds: number; readonly idleRounds: number };
  /** The reasons why contestants were not measured. */
  readonly missing: readonly { readonly reason: string }[];
  readonly results: readonly Result[];
}

export interface Details {
  readonly workload: string;
  readonly contestant: string;
  readonly rounds: readonly Round[];
}

/** Rounds a number to its significant digits. Whole numbers stay whole. */
function rounded(_: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return Number(value.toPrecision(SIGNIFICANT_DIGITS));
}

function writeJson(file: string, value: object): void {
  writeFileSync(file, `${JSON.stringify(value, rounded, 2)}\n`);
}

/** Writes every round into a file. */
export function writeDetails(file: string, report: Report, details: readonly Details[]): void {
  writeJson(file, { ...report, details });
}

/** Writes the results. Returns the paths of the files, relative to the package. */
export function saveResults(name: string, report: Report): string[] {
  mkdirSync(RESULTS, { recursive: true });
  const written = [`${name}.json`];
  writeJson(join(RESULTS, `${name}.json`), report);
  const subtitle = `${report.machine}; ${report.versions}; ${report.date}`;
  const svg = chartOf(report.results, subtitle);
  if (svg !== undefined) {
    writeFileSync(join(RESULTS, `${name}.svg`), svg);
    written.push(`${name}.svg`);
  }
  return written.map((file) => `bench/results/${file}`);
}
