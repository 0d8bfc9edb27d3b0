/** What a process of a soak test holds at a moment at which no connection is there. */
import { readdirSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { AsyncClient } from 'asynctcp';

export interface Holdings {
  /** Clients in memory, over and not collected. */
  readonly clients: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly resources: Readonly<Record<string, number>>;
}

const COLLECTIONS = 6;
/** A program that never lets go of something fails; none that does waits so long. */
const PATIENCE_MS = 15_000;

/** What keeps the process alive, by kind. */
export function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo().sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Waits until no connection is there and nobody is `busy`; `held` tells of whom it waited for in vain. */
export async function quiet(busy: () => boolean, held: () => unknown): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  const isConnection = (name: string): boolean => /^(TCPSocket|TCPConnect|GetAddrInfo)/.test(name);
  while (busy() || Object.keys(resources()).some(isConnection)) {
    if (performance.now() > deadlineMs) {
      const rest = JSON.stringify({ held: held(), resources: resources() });
      throw new Error(`waited in vain until every connection was gone: ${rest}`);
    }
    await setTimeout(1);
  }
}

/** Collects the garbage first. */
export async function holdings(): Promise<Holdings> {
  let clients = 0;
  for (let count = 0; count < COLLECTIONS; count += 1) {
    // To count them the engine collects its garbage, and more thoroughly than `gc()` makes it.
    clients = queryObjects(AsyncClient, { format: 'count' });
    await setImmediate();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    clients,
    heapBytes: heapUsed,
    externalBytes: external,
    residentBytes: rss,
    descriptors: readdirSync('/proc/self/fd').length,
    resources: resources(),
  };
}

/** What has to be the same at the end; memory has some room. */
export function withoutMemory<T extends Holdings>(held: T): T {
  return { ...held, heapBytes: 0, externalBytes: 0, residentBytes: 0 };
}
