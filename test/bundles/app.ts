/**
 * The program that is bundled: a server and a client exchange data, a callback blocks until the watchdog
 * bites, and a task runs. Prints a line for each.
 *
 *     app TASK BITTEN
 *
 * TASK is the bundle of `task.ts`. The blocked callback returns when the file BITTEN exists.
 */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { AsyncClient, AsyncServer, configure, kernelStack, onWatchdog, startTask } from 'asynctcp';

const [, , taskFile = '', bitten = ''] = process.argv;

/** Returns the stack that `auto` chose: only `node` has sockets that the runtime lists. */
function stackInUse(): string {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('TCP')) ? 'node' : 'kernel';
}

/** Blocks until the test has read the watchdog's report. */
function blockUntilBitten(): void {
  while (!existsSync(bitten));
}

configure({ wdtTimeoutS: 1 });
const server = new AsyncServer('127.0.0.1', 0);
server.onClient((accepted) => {
  accepted.onData((_, data) => {
    accepted.write(data);
  });
});

async function converse(): Promise<void> {
  await server.begin();
  console.log(`stack ${stackInUse()}`);
  const client = await AsyncClient.open('127.0.0.1', server.port());
  const echoed = new Promise<string>((resolve) => {
    client.onData((_, data) => {
      blockUntilBitten();
      resolve(new TextDecoder().decode(data));
    });
  });
  const told = new Promise<string>((resolve) => {
    // Without a watchdog there is no report to wait for.
    if (process.env['UNWATCHED'] === '1') resolve('nothing');
    onWatchdog(({ handler }) => {
      resolve(handler);
    });
  });
  client.write('hello');
  console.log(`echo ${await echoed}`);
  console.log(`bite ${await told}`);
  client.close();
  await server.end();
}

async function runTask(): Promise<void> {
  try {
    const task = startTask(pathToFileURL(taskFile));
    task.onMessage((message) => {
      console.log(`task ${String(message)}`);
    });
    console.log(`task ended ${await task.ended}`);
  } catch (error) {
    console.log(`task refused: ${String(error)}`);
  }
}

async function main(): Promise<void> {
  try {
    console.log(`kernelStack ${kernelStack().name}`);
  } catch (error) {
    console.log(`kernelStack refused: ${String(error)}`);
  }
  await converse();
  await runTask();
}

// CommonJS has no `await` outside of functions.
void main();
