/** The door: what `import … from 'asynctcp'` gives on Node. Here, and only here, a stack is chosen. */
import cluster from 'node:cluster';
import {
  checkBoolean,
  checkHandler,
  checkInteger,
  checkObject,
  checkOptions,
  isObject,
  show,
} from './asynctcp/check.js';
import {
  Configuration,
  configuration,
  symbolOf,
  withVariables,
  type ConfigureOptions,
} from './asynctcp/configuration.js';
import { sendFigures } from './asynctcp/thread-registry.js';
import { offerStack } from './asynctcp/stack-choice.js';
import { beginTask, offerTaskKeeper, readTaskSettings } from './asynctcp/task-use.js';
import type { TcpStack } from './port/tcp-stack.js';
import { loadAddon } from './addon/load-addon.js';
import { KernelStack } from './stacks/kernel/kernel-stack.js';
import { MemoryStack, type MemoryStackOptions } from './stacks/memory/memory-stack.js';
import { NodeStack } from './stacks/node/node-stack.js';
import { MAX_LINES, MAX_SHOWN_BYTES, type RecordingOptions } from './stacks/recording/recording-options.js';
import { RecordingStack } from './stacks/recording/recording-stack.js';
import type {
  KernelStackOptions,
  NodeStackOptions,
  SystemStackOptions,
} from './stacks/system/system-stack-options.js';
import { assert } from './support/assert.js';
import { offerTicks } from './support/callback-scope.js';
import { systemClock } from './support/clock.js';
import { warn } from './support/warn.js';
import { AsyncTask, type TaskOptions } from './task/async-task-node.js';
import { callbackRuntime, leaveAtExit, tickRunner } from './task/callback-runtime-node.js';
import { callWith } from './task/dispatch.js';
import { collectDiagnostics, diagnosticsReport, type Diagnostics } from './task/diagnostics.js';
import { givenVariables } from './task/starters-gift-node.js';
import { applyThreadSettings, threadProbe } from './task/thread-node.js';
import { setWatchdogHandler, startWatchdog, type WatchdogHandler } from './task/watchdog-node.js';

export {
  ASYNC_WRITE_FLAG_COPY,
  ASYNC_WRITE_FLAG_MORE,
  AsyncClient,
  type AckHandler,
  type ClientHandler,
  type ClientOptions,
  type ConnectHandler,
  type DataHandler,
  type DisconnectHandler,
  type EndHandler,
  type ErrorHandler,
  type PacketHandler,
  type PollHandler,
  type TimeoutHandler,
  type ConnectOptions,
  type FlagsArgument,
  type WriteFlags,
  type DataOptions,
  type DrainOptions,
} from './asynctcp/async-client.js';
export { AsyncServer, type ServerOptions } from './asynctcp/async-server.js';
export type { DisconnectReason } from './asynctcp/handlers.js';
export type { ConfigureOptions, StackName } from './asynctcp/configuration.js';
export { Packet } from './asynctcp/packet.js';
export type { RequiredCapabilities } from './asynctcp/required.js';
export type { ClientDefaults, ServerEndOptions } from './asynctcp/server-options.js';
export type { StackOption } from './asynctcp/stack-choice.js';
export { TcpError } from './asynctcp/tcp-error.js';
export type { Capabilities } from './port/capabilities.js';
export { ErrorCode } from './port/error-code.js';
export { TcpState } from './port/tcp-state.js';
export type * from './port/tcp-stack.js';
export type { Lookup } from './port/lookup.js';
export type { MemoryStack, MemoryStackOptions, Where } from './stacks/memory/memory-stack.js';
export type { RecordingOptions } from './stacks/recording/recording-options.js';
export type { RecordingStack } from './stacks/recording/recording-stack.js';
export type {
  KernelStackOptions,
  NodeStackOptions,
  SystemStackOptions,
} from './stacks/system/system-stack-options.js';
export { AsyncTask, type TaskOptions } from './task/async-task-node.js';
export type { CallbackName } from './task/callback-kind.js';
export type { CallbackFigures } from './task/callback-meter.js';
export type { Diagnostics, SendFigures } from './task/diagnostics.js';
export type { ConnectionReport } from './task/connection-report.js';
export type { Requested, ThreadInEffect } from './task/thread-in-effect.js';
export type { TaskSignal, TaskThread } from './task/task-thread.js';
export type { WatchdogBite } from './task/watchdog-bite.js';
export type { WatchdogHandler } from './task/watchdog-node.js';
export { systemClock, type Alarm, type Clock, type MonotonicClock } from './support/clock.js';
export { SteppedClock } from './support/stepped-clock.js';
export { TimerWheel } from './support/timer-wheel.js';
export { Timer, type TimerOwner, type Timers } from './support/timers.js';

/**
 * Sets configuration options from code, before the first client or server. The environment's variables and
 * the command line's `-D` win over it.
 * @throws RangeError for an unknown option or a value out of range, Error when a client, server or stack
 *   exists already.
 */
export function configure(options: ConfigureOptions): void {
  configuration.configure(options);
}

/**
 * A stack on `node:net` of your own, to be passed as the option `stack`: with other limits, with another
 * clock, with names of your own. What the options leave out is the configuration's.
 * @throws TypeError, RangeError for options out of range.
 */
export function nodeStack(options: NodeStackOptions = {}): TcpStack {
  return new NodeStack(checkStackOptions(options));
}

/**
 * A stack on the kernel's TCP of your own, to be passed as the option `stack`. It needs the native addon,
 * on Node for Linux; `asynctcp doctor` tells whether it loads.
 * @throws Error when it does not; TypeError, RangeError for options out of range.
 */
export function kernelStack(options: KernelStackOptions = {}): TcpStack {
  const checked = checkStackOptions(options);
  const { addon, reason } = loadAddon();
  if (addon === undefined) throw new Error(`there is no stack kernel: ${reason}`);
  return new KernelStack(addon, checked, configuration.integer('queueSize'));
}

/**
 * A stack to test with, to be passed as the option `stack`: both ends of each connection are in this process,
 * time is virtual, and faults come on demand. What the options leave out is the configuration's.
 * @throws TypeError, RangeError for options out of range.
 */
export function memoryStack(options: MemoryStackOptions = {}): MemoryStack {
  return new MemoryStack(checkStackOptions(options));
}

/**
 * A stack that records each call and each event of another stack and forwards it, to be passed as the option
 * `stack`: `new AsyncClient({ stack: recordingStack(kernelStack(), { sink: console.error }) })`.
 * docs/stacks.md describes the lines.
 * @throws TypeError, RangeError for options out of range.
 */
export function recordingStack(stack: TcpStack, options: RecordingOptions = {}): RecordingStack {
  checkObject('stack', stack);
  checkOptions(options);
  const { sink, maxLines, shownBytes, verbose } = options;
  checkHandler('sink', sink);
  if (maxLines !== undefined) checkInteger('maxLines', maxLines, 1, MAX_LINES);
  if (shownBytes !== undefined) checkInteger('shownBytes', shownBytes, 0, MAX_SHOWN_BYTES);
  if (verbose !== undefined) checkBoolean('verbose', verbose);
  return new RecordingStack(stack, options);
}

/** What the options leave out is the configuration's. */
function checkStackOptions<O extends SystemStackOptions>(options: O): O {
  checkOptions(options);
  return {
    ...options,
    sendBufferBytes: limit('sendBufferBytes', options.sendBufferBytes, 'tcpSndBuf', [1, MAX_BUFFER_BYTES]),
    receiveWindowBytes: limit('receiveWindowBytes', options.receiveWindowBytes, 'tcpWnd', [
      1,
      MAX_BUFFER_BYTES,
    ]),
    maxActiveTcp: limit('maxActiveTcp', options.maxActiveTcp, 'maxActiveTcp', [1, Number.MAX_SAFE_INTEGER]),
    closeTimeoutMs: limit('closeTimeoutMs', options.closeTimeoutMs, 'closeTimeoutMs'),
    sendBudgetBytes: limit('sendBudgetBytes', options.sendBudgetBytes, 'sendBudgetBytes'),
    lookup: checkHandler('lookup', options.lookup),
  };
}

/** Of one connection, in each direction: as the configuration's symbols have it. */
const MAX_BUFFER_BYTES = 1_073_741_824;

/**
 * Returns a number of one's own, or else the configuration's.
 * @param range of one's own number; that of the configuration's symbol where it is left out.
 */
function limit(
  name: string,
  own: number | undefined,
  option: keyof ConfigureOptions,
  range?: readonly [least: number, most: number],
): number | undefined {
  if (own === undefined) return configuration.integer(option);
  const symbol = symbolOf(option);
  assert(symbol.kind === 'integer', 'a limit is a number');
  const [least, most] = range ?? [symbol.least, symbol.most];
  return checkInteger(name, own, least, most);
}

/**
 * Runs a program as the async task in a thread of its own, with its own core, priority, stack and watchdog,
 * and supervises it: after a panic of the watchdog it is started anew. The program has this library's whole
 * configuration: `config`, over which the environment's variables and the command line's `-D` win.
 * @param program URL of the program's module, such as `new URL('./app.js', import.meta.url)`.
 * @throws TypeError, RangeError for an option that is unknown or out of range, and for a program that is no
 *   URL.
 */
export function startTask(
  program: URL | string,
  config: ConfigureOptions = {},
  options: TaskOptions = {},
): AsyncTask {
  checkOptions(options);
  const variables = configuration.variablesWith(config);
  const own = new Configuration();
  own.setEnvironment(() => variables);
  const url = checkProgram(program);
  return new AsyncTask({ program: url, settings: readTaskSettings(own), variables, options });
}

function checkProgram(program: URL | string): string {
  if (program instanceof URL) return program.href;
  // The URL of another realm is as good.
  const href: unknown = isObject(program) ? Reflect.get(program, 'href') : program;
  if (typeof href === 'string' && URL.canParse(href)) return href;
  throw new TypeError(
    `program must be a URL such as new URL('./app.js', import.meta.url), not ${show(program)}`,
  );
}

/**
 * Tells the program of each bite of the watchdog in this thread, once the blocked callback has returned;
 * `undefined` removes the handler. What happens while it blocks is told to whoever started the task
 * (`AsyncTask.onWatchdog`).
 */
export function onWatchdog(handler: WatchdogHandler | undefined): void {
  setWatchdogHandler(checkHandler('onWatchdog', handler));
}

/**
 * What the async task of this thread has in effect, and what its callbacks and connections came to.
 * @throws Error when `CONFIG_ASYNC_TCP_DIAGNOSTICS` is not 1.
 */
export function diagnostics(): Diagnostics {
  beginTask();
  return diagnosticsReport('diagnostics', sendFigures);
}

/** Returns the same stack at each use, made at the first. */
function shared(make: () => TcpStack): () => TcpStack {
  let stack: TcpStack | undefined;
  return () => {
    if (stack !== undefined) return stack;
    stack = make();
    for (const symbol of configuration.withoutEffect(stack.honours)) {
      warn(`${symbol} has no effect on the ${stack.name} stack`);
    }
    return stack;
  };
}

const sharedNodeStack = shared(() => nodeStack());
const sharedKernelStack = shared(() => kernelStack());

/** `auto` is the stack `node` where the better one should have worked: the user is told, once. */
function fallBack(reason: string): TcpStack {
  const sentence = reason.endsWith('.') ? reason : `${reason}.`;
  warn(`the stack is node and not kernel: ${sentence} CONFIG_ASYNC_TCP_STACK=node says that this is meant.`);
  return sharedNodeStack();
}

/**
 * The kernel's where the addon loads and the system lets it work. The workers of `node:cluster` share ports
 * through `node:net`, so there it is that.
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
offerTicks(tickRunner());
leaveAtExit();
offerTaskKeeper({
  begin: (settings) => {
    applyThreadSettings(settings);
    if (settings.diagnostics) collectDiagnostics(settings, systemClock, threadProbe());
  },
  watch: startWatchdog,
});
offerStack('kernel', sharedKernelStack);
offerStack('node', sharedNodeStack);
offerStack('auto', () => (chosen ??= bestStack()));
