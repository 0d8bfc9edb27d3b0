/** An end of a connection in a worker, which is ended at any moment. */
import { parentPort, workerData } from 'node:worker_threads';
import { AsyncClient, kernelStack } from 'asynctcp';
import { Actor, type ActorPlan } from './random-client.js';
import { Scene } from './round-context.js';

export interface WorkerOrder {
  readonly port: number;
  readonly afterMs: number;
  /** By its parent, by `process.exit`, or because nothing holds it. */
  readonly ending: 'terminated' | 'exit' | 'natural';
  readonly plan: ActorPlan;
}

// Node gives workerData no type; round.ts is the only one that starts this program.
const { port, afterMs, ending, plan } = workerData as WorkerOrder;

class ToldScene extends Scene {
  override readonly fault = (text: string): void => {
    parentPort?.postMessage(text);
  };
}

const client = new AsyncClient({ stack: kernelStack() });
const actor = new Actor(new ToldScene(), client, plan);
client.onConnect(() => actor.begin());
client.connect('127.0.0.1', port);
if (ending === 'exit') setTimeout(() => process.exit(0), afterMs);
if (ending === 'natural') {
  setTimeout(() => {
    client.unref();
    actor.rest();
  }, afterMs);
}
