/** One side of a connection in a worker that may end at any time. */
import { parentPort, workerData } from 'node:worker_threads';
import { AsyncClient, kernelStack } from 'asynctcp';
import { RandomClient, type ClientPlan } from './random-client.js';
import { RoundContext } from './round-context.js';

export interface WorkerOrder {
  readonly port: number;
  readonly afterMs: number;
  /** Terminated by its parent, by `process.exit`, or because nothing keeps it alive. */
  readonly ending: 'terminated' | 'exit' | 'natural';
  readonly plan: ClientPlan;
}

// Node gives workerData no type. Only round.ts starts this program.
const { port, afterMs, ending, plan } = workerData as WorkerOrder;

class WorkerContext extends RoundContext {
  override readonly report = (text: string): void => {
    parentPort?.postMessage(text);
  };
}

const client = new AsyncClient({ stack: kernelStack() });
const end = new RandomClient(new WorkerContext(), client, plan);
client.onConnect(() => end.begin());
client.connect('127.0.0.1', port);
if (ending === 'exit') setTimeout(() => process.exit(0), afterMs);
if (ending === 'natural') {
  setTimeout(() => {
    client.unref();
    end.unrefTimers();
  }, afterMs);
}
