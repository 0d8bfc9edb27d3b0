/** The door of the package on Node: the exports of `asynctcp`. */
import {
  checkHandler,
  checkInteger,
  checkLogger,
  checkObject,
  checkOptions,
  checkProgram,
} from './asynctcp/check.js';
import { Configuration, configuration, symbolOf, type ConfigureOptions } from './asynctcp/configuration.js';
import { sendFigures } from './asynctcp/thread-registry.js';
import { checkRecordingOptions, checkStackOptions } from './asynctcp/stack-options.js';
import { beginTask, readTaskSettings, taskGroup } from './asynctcp/task-use.js';
import { checkTasksOptions, MAX_TASKS } from './asynctcp/tasks-options.js';
import type { TcpStack } from './port/tcp-stack.js';
import { MemoryStack, type MemoryStackOptions } from './stacks/memory/memory-stack.js';
import type { RecordingOptions } from './stacks/recording/recording-options.js';
import { RecordingStack } from './stacks/recording/recording-stack.js';
import { AsyncTask, type TaskOptions } from './task/async-task-node.js';
import { AsyncTasks } from './task/async-tasks-node.js';
import { coresOf } from './task/task-cores.js';
import { usableCores } from './task/thread-node.js';
import type { TasksOptions } from './task/task-start.js';
import { logTo, warn, type Logger } from './support/warn.js';
import { diagnosticsReport, type Diagnostics } from './task/diagnostics.js';
import { setWatchdogHandler, type WatchdogHandler } from './task/watchdog-node.js';

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
export type { CompletePreamble, Preamble, PreambleAnswer, PreambleReader } from './asynctcp/preamble.js';
export type { RequiredCapabilities } from './asynctcp/required.js';
export type { ClientDefaults, ServerEndOptions } from './asynctcp/server-options.js';
export type { StackOption } from './asynctcp/stack-choice.js';
export { TcpError } from './asynctcp/tcp-error.js';
export type { Capabilities } from './port/capabilities.js';
export { ErrorCode } from './port/error-code.js';
export { TcpState } from './port/tcp-state.js';
export type * from './port/tcp-stack.js';
export type { Lookup } from './port/lookup.js';
export type { EndSelector, MemoryStack, MemoryStackOptions } from './stacks/memory/memory-stack.js';
export type { RecordingOptions } from './stacks/recording/recording-options.js';
export type { RecordingStack } from './stacks/recording/recording-stack.js';
export type {
  KernelStackOptions,
  NodeStackOptions,
  SystemStackOptions,
} from './stacks/system/system-stack-options.js';
export { AsyncTask, type TaskOptions } from './task/async-task-node.js';
export { AsyncTasks, type TaskReport } from './task/async-tasks-node.js';
export type { TasksOptions } from './task/task-start.js';
export type { CallbackName } from './task/callback-kind.js';
export type { CallbackFigures } from './task/callback-meter.js';
export type { Diagnostics, SendFigures } from './task/diagnostics.js';
export type { ConnectionReport } from './task/connection-report.js';
export type { Requested, ThreadInEffect } from './task/thread-in-effect.js';
export type { TaskSignal, TaskThread } from './task/task-thread.js';
export type { WatchdogBite } from './task/watchdog-bite.js';
export type { WatchdogHandler } from './task/watchdog-node.js';
export type { Logger } from './support/warn.js';
export { kernelStack, nodeStack } from './composition.js';
export { systemClock, type Alarm, type Clock, type MonotonicClock } from './support/clock.js';
export { SteppedClock } from './support/stepped-clock.js';
export { TimerWheel } from './support/timer-wheel.js';
export { Timer, type TimerOwner, type Timers } from './support/timers.js';

/**
 * Sets configuration options from code, before the first client or server. The environment's variables and
 * the command line's `-D` win over them.
 * @throws RangeError for an unknown option or a value out of range, Error if a client, server or stack exists
 *   already.
 */
export function configure(options: ConfigureOptions): void {
  configuration.configure(options);
}

/**
 * Returns a stack to test with, to be passed as the option `stack`: both ends of each connection are in this
 * process, time is virtual, and faults come on demand. The configuration gives the options that are left out.
 * @throws TypeError, RangeError for options out of range.
 */
export function memoryStack(options: MemoryStackOptions = {}): MemoryStack {
  return new MemoryStack(checkStackOptions(options));
}

/**
 * Returns a stack that records each call and each event of another stack and forwards it, to be passed as the
 * option `stack`: `new AsyncClient({ stack: recordingStack(kernelStack(), { sink: console.error }) })`.
 * docs/stacks.md describes the lines.
 * @throws TypeError, RangeError for options out of range, and for a `stack` that is no object.
 */
export function recordingStack(stack: TcpStack, options: RecordingOptions = {}): RecordingStack {
  checkObject('stack', stack);
  return new RecordingStack(stack, checkRecordingOptions(options));
}

/**
 * Runs a program as the async task in a thread of its own, with its own core, priority, stack and watchdog,
 * and supervises it: after a panic of the watchdog the program is started anew. The program has this
 * library's whole configuration; the environment's variables and the command line's `-D` win over `config`.
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

/**
 * Runs a program as `count` tasks that share its ports, each in a thread of its own, with its own core, stack
 * and watchdog, and supervises them: a task that panics or ends by an error is started anew, alone. The cores
 * are those that the process may use, from `config.runningCore` on; −1: no task is pinned.
 * @param program URL of the program's module.
 * @param count number of tasks, 1 to 1024. More than there are cores is allowed, and warned of.
 * @throws TypeError, RangeError for an option that is unknown or out of range, and for a program that is no
 *   URL.
 */
export function startTasks(
  program: URL | string,
  count: number,
  config: ConfigureOptions = {},
  options: TasksOptions = {},
): AsyncTasks {
  checkInteger('count', count, 1, MAX_TASKS);
  const limits = checkTasksOptions(options);
  const variables = configuration.variablesWith(config);
  const own = new Configuration();
  own.setEnvironment(() => variables);
  const url = checkProgram(program);
  const settings = readTaskSettings(own);
  const usable = usableCores();
  const first = own.isSet('runningCore') ? settings.core : (usable[0] ?? settings.core);
  if (usable.length > 0 && count > usable.length) {
    const cores = usable.length === 1 ? 'one core' : `${usable.length} cores`;
    warn(`${count} tasks share the ${cores} that this process may use`);
  }
  const starts = coresOf(count, first, usable).map((core) => ({
    program: url,
    settings: { ...settings, core },
    variables: { ...variables, [symbolOf('runningCore').symbol]: String(core) },
    options: { ...options, stdin: false },
  }));
  return new AsyncTasks(starts, limits);
}

/**
 * Returns the number of this thread's task, from 0 on; `undefined` in a thread that `startTasks` or
 * `asynctcp run --tasks` has not started.
 */
export function taskNumber(): number | undefined {
  return taskGroup()?.number;
}

/**
 * Sets the handler that is called for each bite of the watchdog in this thread, once the blocked callback has
 * returned; `undefined` removes it. While the callback blocks, the watchdog reports to the code that started
 * the task (`AsyncTask.onWatchdog`).
 */
export function onWatchdog(handler: WatchdogHandler | undefined): void {
  setWatchdogHandler(checkHandler('onWatchdog', handler));
}

/**
 * Gives the library's warnings, and the events of a monitor, to a logger of this thread from now on, such as
 * `pino()`; `undefined`: warnings to the console again, the default.
 * @throws TypeError for an object without the methods `info`, `warn` and `error`.
 */
export function setLogger(logger: Logger | undefined): void {
  logTo(checkLogger('logger', logger));
}

/**
 * Returns the settings that the async task of this thread has in effect, and the figures of its callbacks and
 * connections.
 * @throws Error if `CONFIG_ASYNC_TCP_DIAGNOSTICS` is not 1.
 */
export function diagnostics(): Diagnostics {
  beginTask();
  return diagnosticsReport('diagnostics', sendFigures);
}
