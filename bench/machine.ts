// What was measured on, in words that hold for every such machine.

import { availableParallelism, cpus, release } from 'node:os';

import type { Cores } from './cores.js';

/** Of the kernel's release only the version: what follows it is somebody's own name. */
export function kernelVersion(text: string): string {
  return /^\d+\.\d+/.exec(text)?.[0] ?? 'of unknown version';
}

export function machineLine(cores: Cores | string): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const machine = `Linux ${kernelVersion(release())}, ${model}, ${availableParallelism()} cores`;
  if (typeof cores === 'string') return `${machine}; not pinned to cores: ${cores}, so expect noise`;
  return `${machine}; server on core ${cores.server}, load generator on core ${cores.load}`;
}
