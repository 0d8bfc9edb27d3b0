/** The list of public scripts that do not pass, each with the reason, compared in both directions. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { ScriptResult } from './play-script.js';

/** Why a script is on the list. */
export const CAUSES = {
  linux: 'it asks for behaviour of Linux that no RFC has',
  unbuilt: 'it asks for a part of TCP that is not built',
  interpreter: 'it has a line that the interpreter does not understand',
  ours: 'a fault of the stack that waits to be mended',
} as const;

export type Cause = keyof typeof CAUSES;

export interface Entry {
  readonly script: string;
  readonly cause: Cause;
  readonly reason: string;
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { script, cause, reason } = { script: undefined, cause: undefined, reason: undefined, ...value };
  return (
    typeof script === 'string' && typeof reason === 'string' && typeof cause === 'string' && cause in CAUSES
  );
}

export function readList(file: string): Entry[] {
  const list: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(list) || !list.every(isEntry))
    throw new Error(`${file} is no list of scripts with cause and reason`);
  return list;
}

export function writeList(file: string, list: readonly Entry[]): void {
  writeFileSync(file, `${JSON.stringify(list, null, 2)}\n`);
}

export interface Comparison {
  /** Scripts that do not pass and are not on the list. */
  readonly unlisted: readonly ScriptResult[];
  /** Scripts that pass and are on the list. */
  readonly stale: readonly ScriptResult[];
  readonly listed: readonly (readonly [ScriptResult, Entry])[];
}

export function compareWithList(results: readonly ScriptResult[], list: readonly Entry[]): Comparison {
  const entries = new Map(list.map((entry) => [entry.script, entry]));
  const hasFailed = ({ outcome }: ScriptResult): boolean => outcome !== 'passed';
  return {
    unlisted: results.filter((result) => hasFailed(result) && !entries.has(result.name)),
    stale: results.filter((result) => !hasFailed(result) && entries.has(result.name)),
    listed: results.flatMap((result) => {
      const entry = entries.get(result.name);
      return hasFailed(result) && entry !== undefined ? [[result, entry] as const] : [];
    }),
  };
}
