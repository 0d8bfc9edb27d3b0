// Describes the machine of a measurement, without names that identify it.

import { availableParallelism, cpus, release } from 'node:os';

import type { Cores } from './cores.js';

/** Returns the version of a kernel release without its suffix, which may be the name of a build. */
export function kernelVersion(text: string): string {
  return /^\d+\.\d+/.exec(text)?.[0] ?? 'of unknown version';
}

export function machineLine(cores: Cores | string): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const machine = `Linux ${kernelVersion(release())}, ${model}, ${availableParallelism()} cores`;
  if (typeof cores === 'string') return `${machine}; not pinned to cores: ${cores}, so expect noise`;
  const more = cores.more.length === 0 ? '' : ` (one of several also on ${cores.more.join(', ')})`;
  return `${machine}; server on core ${cores.server}${more}, load generator on core ${cores.load}`;
}
