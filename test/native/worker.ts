/** Runs a measurement on the thread of a Worker with a stack of a given size. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { MEASUREMENTS } from './measurements.js';

type Measurements = typeof MEASUREMENTS;
type Name = keyof Measurements;

export interface Order {
  readonly name: Name;
  readonly argument: unknown;
}

export async function inWorker<N extends Name>(
  stackSizeMb: number,
  name: N,
  ...[argument]: Parameters<Measurements[N]>
): Promise<ReturnType<Measurements[N]>> {
  const order: Order = { name, argument };
  const worker = new Worker(new URL('./worker-program.js', import.meta.url), {
    workerData: order,
    resourceLimits: { stackSizeMb },
  });
  // An error in the Worker rejects this.
  const [result] = (await once(worker, 'message')) as [ReturnType<Measurements[N]>];
  await worker.terminate();
  return result;
}
