/** A Worker that does one measurement and posts its result; `worker.ts` starts it. */
import { parentPort, workerData } from 'node:worker_threads';
import { MEASUREMENTS } from './measurements.js';
import type { Order } from './worker.js';

// Node gives workerData no type; worker.ts is the only one that starts this program.
const { name, argument } = workerData as Order;
const measure = MEASUREMENTS[name] as (argument: unknown) => unknown;
parentPort?.postMessage(measure(argument));
