// Chooses a core for the server and one for the load generator, so that neither takes time from the other.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import type { Command } from './children.js';

export interface Cores {
  readonly server: number;
  readonly load: number;
  /** Further cores for a server that uses several. */
  readonly more: readonly number[];
}

/** Parses the kernel's list notation: `0-2,5` is 0, 1, 2 and 5. */
export function parseCoreList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = NaN, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

function allowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  return parseCoreList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '');
}

/** Returns the cores that are threads of the same physical core: they share its execution units. */
function siblingsOf(core: number): number[] {
  const topology = `/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`;
  try {
    return parseCoreList(readFileSync(topology, 'utf8'));
  } catch {
    return [core];
  }
}

/** Returns two cores, or the reason why there are not two. */
export function chooseCores(): Cores | string {
  if (spawnSync('taskset', ['--version']).status !== 0) return 'taskset (util-linux) is not installed';
  const [server, ...others] = allowedCores();
  const [anyOther] = others;
  if (server === undefined || anyOther === undefined) return 'there is only one core';
  const siblings = siblingsOf(server);
  const load = others.find((core) => !siblings.includes(core)) ?? anyOther;
  const busy = siblingsOf(load);
  return { server, load, more: others.filter((core) => !busy.includes(core) && !siblings.includes(core)) };
}

/** Returns the command that runs another one on these cores; `undefined` leaves the choice to the system. */
export function onCores(cores: readonly number[] | undefined, command: Command): Command {
  return cores === undefined ? command : ['taskset', '-c', cores.join(), ...command];
}

/** As `onCores`, for one core. */
export function onCore(core: number | undefined, command: Command): Command {
  return onCores(core === undefined ? undefined : [core], command);
}
