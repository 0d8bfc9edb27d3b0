/**
 * The watched thread's side of the watchdog: starts its thread, offers it the hooks, and passes its bites
 * on to the program. The watchdog is a child of the watched thread, ends with it and does not keep it
 * alive.
 */
import { inspect } from 'node:util';
import { threadId, Worker, type MessagePort } from 'node:worker_threads';
import { packageFile } from '../addon/package-folder.js';
import { warn } from '../support/warn.js';
import { beatInto } from './dispatch.js';
import { connectSupervisor } from './starters-gift-node.js';
import type { TaskHooks, TaskSettings } from './task-settings.js';
import type { WatchdogBite } from './watchdog-bite.js';
import type { WatchOrder } from './watchdog-thread-node.js';

/** Told of each bite in the thread that was bitten, when it is free again. */
export type WatchdogHandler = (bite: WatchdogBite) => void;

/** A small young generation keeps the watchdog's thread small; a source map may need the old one. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 1 };
const EXIT_STATUS_OF_PANIC = 134;

let handler: WatchdogHandler | undefined;

export function setWatchdogHandler(wanted: WatchdogHandler | undefined): void {
  handler = wanted;
}

/**
 * Under which names the hooks are found from the outside: one for each copy of this library in the thread.
 */
function offerHooks(hooks: TaskHooks): string {
  let name = 'asynctcp.watched';
  for (let copy = 2; Symbol.for(name) in globalThis; copy += 1) name = `asynctcp.watched.${copy}`;
  const exit = (): void => process.exit(EXIT_STATUS_OF_PANIC);
  Object.defineProperty(globalThis, Symbol.for(name), { value: { ...hooks, exit } });
  return `globalThis[Symbol.for(${JSON.stringify(name)})]`;
}

export function startWatchdog({ timeoutMs, panic }: TaskSettings, hooks: TaskHooks): void {
  const beat = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const supervisor = connectSupervisor();
  const order: WatchOrder = { beat, timeoutMs, panic, threadId, hooks: offerHooks(hooks), supervisor };
  const transferList: MessagePort[] = supervisor === undefined ? [] : [supervisor];
  const failed = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : inspect(error);
    const sentence = reason.endsWith('.') ? reason : `${reason}.`;
    warn(`callbacks are not watched: ${sentence} CONFIG_ASYNC_TCP_USE_WDT=0 says that this is meant.`);
  };
  try {
    const worker = new Worker(packageFile('dist/task/watchdog-thread-node.js'), {
      name: 'async_tcp wdt',
      workerData: order,
      transferList,
      // The program's preloaded modules and options are its own.
      execArgv: [],
      env: {},
      resourceLimits: RESOURCE_LIMITS,
    });
    worker.on('error', failed);
    worker.on('message', (bite: WatchdogBite) => handler?.(bite));
    worker.unref();
    beatInto(beat);
  } catch (error) {
    // A runtime without threads, or one that was forbidden them.
    failed(error);
  }
}
