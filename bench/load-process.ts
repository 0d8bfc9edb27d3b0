// One run of the load generator against one server.

import { createInterface } from 'node:readline';

import { childEnd, type Command, startChild } from './children.js';
import { onCore } from './cores.js';
import type { Workload } from './workloads.js';

export interface LoadRun {
  readonly binary: string;
  readonly core: number | undefined;
  readonly port: number;
  readonly workload: Workload;
  readonly warmupMs: number;
  readonly measureMs: number;
}

export interface LoadResult {
  readonly messages: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

const RESULT_KEYS = ['messages', 'seconds', 'p50Us', 'p99Us', 'maxUs'] as const;

function isResult(value: unknown): value is LoadResult {
  if (typeof value !== 'object' || value === null) return false;
  const entries = new Map<string, unknown>(Object.entries(value));
  return RESULT_KEYS.every((key) => typeof entries.get(key) === 'number');
}

function commandOf(run: LoadRun): Command {
  const options: Record<string, string | number> = {
    '--host': '127.0.0.1',
    '--port': run.port,
    '--connections': run.workload.connections,
    '--size': run.workload.messageBytes,
    '--warmup-ms': run.warmupMs,
    '--measure-ms': run.measureMs,
  };
  return onCore(run.core, [run.binary, ...Object.entries(options).flat().map(String)]);
}

/** `onMark` is awaited at the measurement's start and at its end; the load goes on meanwhile. */
export async function runLoad(run: LoadRun, onMark: () => Promise<void>): Promise<LoadResult> {
  const child = startChild(commandOf(run), ['pipe', 'pipe', 'inherit']);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the load generator has no pipes');
  stdin.on('error', () => undefined); // it has ended; its status says why

  let result: unknown;
  for await (const line of createInterface({ input: stdout })) {
    if (line === 'measure') {
      await onMark();
    } else if (line === 'done') {
      await onMark();
      stdin.end();
    } else {
      result = JSON.parse(line);
    }
  }
  const status = await childEnd(child);
  if (status !== 0) throw new Error(`the load generator failed (status ${String(status)}, see above)`);
  if (!isResult(result)) throw new Error('the load generator gave no result');
  return result;
}
