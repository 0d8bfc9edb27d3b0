/**
 * The composition of the library on Node: gives the layers the stacks, the configuration's variables and the
 * runtime's means, once. Every door imports this module. Here, and only here, the stack `auto` is chosen.
 */
import cluster from 'node:cluster';
import { loadAddon } from './addon/load-addon.js';
import { configuration, withVariables } from './asynctcp/configuration.js';
import { offerStack } from './asynctcp/stack-choice.js';
import { checkStackOptions, sharedStack } from './asynctcp/stack-options.js';
import { offerTaskGroup, offerTaskKeeper } from './asynctcp/task-use.js';
import type { TcpStack } from './port/tcp-stack.js';
import { KernelStack } from './stacks/kernel/kernel-stack.js';
import { NodeStack } from './stacks/node/node-stack.js';
import type { KernelStackOptions, NodeStackOptions } from './stacks/system/system-stack-options.js';
import { setTickRunner } from './support/callback-scope.js';
import { systemClock } from './support/clock.js';
import { warn } from './support/warn.js';
import { callbackRuntime, leaveAtExit, tickRunner } from './task/callback-runtime-node.js';
import { callWith } from './task/dispatch.js';
import { collectDiagnostics } from './task/diagnostics.js';
import { givenVariables } from './task/handover-node.js';
import { givenGroup } from './task/task-group-node.js';
import { applyThreadSettings, threadProbe } from './task/thread-node.js';
import { startWatchdog } from './task/watchdog-node.js';

/**
 * Returns a stack on `node:net` of your own, to be passed as the option `stack`: with other limits, another
 * clock or another name lookup. The configuration gives the options that are left out.
 * @throws TypeError, RangeError for options out of range.
 */
export function nodeStack(options: NodeStackOptions = {}): TcpStack {
  return new NodeStack(checkStackOptions(options));
}

/**
 * Returns a stack on the kernel's TCP of your own, to be passed as the option `stack`. The stack needs the
 * native addon, on Node for Linux; `asynctcp doctor` reports if the addon loads.
 * @throws Error if the addon does not load; TypeError, RangeError for options out of range.
 */
export function kernelStack(options: KernelStackOptions = {}): TcpStack {
  const checked = checkStackOptions(options);
  const { addon, reason } = loadAddon();
  if (addon === undefined) throw new Error(`there is no stack kernel: ${reason}`);
  return new KernelStack(addon, checked, configuration.integer('queueSize'));
}

const sharedNodeStack = sharedStack(() => nodeStack());
const sharedKernelStack = sharedStack(() => kernelStack());

/** Returns the stack `node` for `auto` although `kernel` should have worked, and warns the user, once. */
function fallBack(reason: string): TcpStack {
  const sentence = reason.endsWith('.') ? reason : `${reason}.`;
  warn(`the stack is node and not kernel: ${sentence} CONFIG_ASYNC_TCP_STACK=node says that this is meant.`);
  return sharedNodeStack();
}

/**
 * Returns the stack `kernel` if the addon loads and the system lets it work. The workers of `node:cluster`
 * share ports through `node:net`, so they get the stack `node`.
 */
function bestStack(): TcpStack {
  if (cluster.isWorker) return sharedNodeStack();
  const loaded = loadAddon();
  if (loaded.addon === undefined) return loaded.isFault ? fallBack(loaded.reason) : sharedNodeStack();
  try {
    return sharedKernelStack();
  } catch (error) {
    // A sandbox without epoll, or no descriptor left.
    return fallBack(error instanceof Error ? error.message : String(error));
  }
}

let chosen: TcpStack | undefined;

configuration.setEnvironment(() => withVariables(process.env, givenVariables()));
callWith(callbackRuntime());
setTickRunner(tickRunner());
leaveAtExit();
offerTaskKeeper({
  begin: (settings) => {
    applyThreadSettings(settings);
    if (settings.diagnostics) collectDiagnostics(settings, systemClock, threadProbe());
  },
  watch: startWatchdog,
  probe: threadProbe,
});
const group = givenGroup();
if (group !== undefined) offerTaskGroup(group);
offerStack('kernel', sharedKernelStack);
offerStack('node', sharedNodeStack);
offerStack('auto', () => (chosen ??= bestStack()));
