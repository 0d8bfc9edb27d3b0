/** Starts the worker of `ending-program.ts`. */
import { Worker } from 'node:worker_threads';

export interface EndingOrder {
  /** Port on which the peer listens; for sockets that come and go, nothing does. */
  readonly port: number;
  readonly way: 'fill' | 'exit' | 'natural' | 'close' | 'come and go';
}

export const STREAM = 5;
export const MUCH = 4_000_000;
export const LITTLE = 5000;

export function startWorker(order: EndingOrder): Worker {
  return new Worker(new URL('./ending-program.js', import.meta.url), { workerData: order });
}
