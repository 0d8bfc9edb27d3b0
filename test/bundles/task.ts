/** The program of the task of `app.ts`, a bundle of its own. Prints its stack and its thread. */
import process from 'node:process';
import { isMainThread, parentPort } from 'node:worker_threads';
import { AsyncServer } from 'asynctcp';

async function main(): Promise<void> {
  const server = new AsyncServer('127.0.0.1', 0);
  await server.begin();
  const stack = process.getActiveResourcesInfo().some((name) => name.startsWith('TCP')) ? 'node' : 'kernel';
  parentPort?.postMessage(`in a thread of its own: ${String(!isMainThread)}, stack ${stack}`);
  await server.end();
}

void main();
