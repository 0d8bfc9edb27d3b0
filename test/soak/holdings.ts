/** Measures what the process of a soak test holds while there is no connection. */
import { queryObjects } from 'node:v8';
import { AsyncClient } from 'asynctcp';
import { descriptorLinks } from '../support/descriptors.js';
import { holdsWithin, nextTurn } from '../support/until.js';

export interface Holdings {
  /** Clients in memory after a garbage collection. */
  readonly clients: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly resources: Readonly<Record<string, number>>;
}

const COLLECTIONS = 6;
/** Ends a program that never releases something. No passing test waits this long. */
const PATIENCE_MS = 15_000;

/** Counts the resources that keep the process alive, by kind. */
export function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo().sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/**
 * Waits until there is no connection and `busy` returns false. `held` describes the rest if that does not
 * happen.
 */
export async function quiet(busy: () => boolean, held: () => unknown): Promise<void> {
  const isConnection = (name: string): boolean => /^(TCPSocket|TCPConnect|GetAddrInfo)/.test(name);
  const isQuiet = (): boolean => !busy() && !Object.keys(resources()).some(isConnection);
  if (await holdsWithin(PATIENCE_MS, isQuiet)) return;
  const rest = JSON.stringify({ held: held(), resources: resources() });
  throw new Error(`waited in vain until every connection was gone: ${rest}`);
}

/** Collects garbage, then measures. */
export async function holdings(): Promise<Holdings> {
  let clients = 0;
  for (let count = 0; count < COLLECTIONS; count += 1) {
    // Counting objects makes the engine collect garbage, more thoroughly than `gc()` does.
    clients = queryObjects(AsyncClient, { format: 'count' });
    await nextTurn();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    clients,
    heapBytes: heapUsed,
    externalBytes: external,
    residentBytes: rss,
    descriptors: descriptorLinks().length,
    resources: resources(),
  };
}

/** Returns the part that must be equal at the end: everything but the sizes of memory, which may vary. */
export function withoutMemory<T extends Holdings>(held: T): T {
  return { ...held, heapBytes: 0, externalBytes: 0, residentBytes: 0 };
}
