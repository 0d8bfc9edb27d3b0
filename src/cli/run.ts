/** `asynctcp run`: runs a program as the async task in a thread of its own. */
import { inspect } from 'node:util';
import { DEFAULT_DRAIN_MS, MAX_DRAIN_MS, MAX_TASKS } from '../asynctcp/tasks-options.js';
import {
  startTask,
  startTasks,
  systemClock,
  type AsyncTask,
  type AsyncTasks,
  type TaskThread,
} from '../index.js';
import { ExitStatus, wrongArguments, type Arguments, type Command, type Option } from './command.js';
import { applyConfiguration, CONFIGURATION_OPTIONS, CONFIGURATION_SECTION } from './configuration-options.js';
import { programUrl, typeScriptRefusal } from './program-file.js';
import { signalNumber, StopSignals, type StopSignal } from './stop-signals.js';

/** A task that has not ended by then is killed with the process. */
const END_LIMIT_MS = 2000;

const QUIET: Option = {
  name: 'quiet',
  short: 'q',
  meaning: 'does not print the settings of the task’s thread',
};

const TASKS: Option = {
  name: 'tasks',
  value: 'N',
  meaning: `runs the program as N tasks on as many cores, 1 to ${MAX_TASKS}, which share its ports; see below`,
};
const DRAIN_MS: Option = {
  name: 'drain-ms',
  value: 'MS',
  meaning: `with --tasks: time that the connections of a task have to end when the task ends, 0 to ${MAX_DRAIN_MS} (default ${DEFAULT_DRAIN_MS})`,
};

export const run: Command = {
  name: 'run',
  summary: 'runs a program as the async task, in a thread with its own core, priority, stack and watchdog',
  operands: 'PROGRAM [ARGUMENT]…',
  endsAtOperand: true,
  description:
    'Runs a JavaScript module (or TypeScript, which Node runs from 22.18 and 23.6 on) as the async task in a thread of its own: with the core, the priority and the stack size that the configuration gives, and under the watchdog. With CONFIG_ESP_TASK_WDT_PANIC=1 a task whose callback blocks too long is ended, its connections are reset, and it is started anew. The program finds its arguments in process.argv; standard input, Ctrl-C and SIGTERM reach it as usual. All words after PROGRAM are the program’s arguments.',
  options: [TASKS, DRAIN_MS, ...CONFIGURATION_OPTIONS, QUIET],
  sections: [
    {
      title: 'With --tasks',
      rows: [
        [
          'cores',
          'each task has its own, from CONFIG_ASYNC_TCP_RUNNING_CORE on (default: the first usable one)',
        ],
        ['ports', 'the tasks share every port, without any change of the program'],
        [
          'errors',
          'a task that panics or throws is started anew, alone; a program that no task can load ends all',
        ],
        [
          'SIGTERM, Ctrl-C',
          'end all tasks: a program without a handler stops listening, its clients end within --drain-ms',
        ],
        ['SIGHUP', 'replaces the tasks one by one; no connection is refused or lost'],
      ],
    },
    CONFIGURATION_SECTION,
    {
      title: 'Exit status',
      rows: [
        ['the program’s', 'when it ended; 1 after an error that it did not catch'],
        ['2', 'arguments or configuration that cannot be used'],
        ['0', 'with --tasks: ended by Ctrl-C or SIGTERM, all connections ended or, after --drain-ms, reset'],
        [
          '130, 143',
          'ended by Ctrl-C (130) or SIGTERM (143), which the program does not handle, or by a second one',
        ],
        ['137', 'the task could not be ended within 2 s, so the process was killed'],
      ],
    },
    {
      title: 'Examples',
      rows: [
        ['asynctcp run server.js', 'in a thread of its own'],
        [
          'asynctcp run -D CONFIG_ASYNC_TCP_RUNNING_CORE=1 server.js 8080',
          'pinned to core 1; 8080 is the program’s',
        ],
        ['asynctcp run --tasks 4 server.js', 'on four cores'],
        [
          'asynctcp run -D CONFIG_ESP_TASK_WDT_PANIC=1 server.js',
          'started anew when a callback blocks for 5 s',
        ],
      ],
    },
  ],
  run: runProgram,
};

async function runProgram(given: Arguments): Promise<number> {
  const [path, ...argv] = given.operands;
  if (path === undefined) throw wrongArguments('PROGRAM is missing');
  const program = programUrl(path, 'program');
  const count = readNumber(given, TASKS, 1, MAX_TASKS);
  const drainMs = readNumber(given, DRAIN_MS, 0, MAX_DRAIN_MS);
  if (count === undefined && drainMs !== undefined) throw wrongArguments('--drain-ms needs --tasks');
  applyConfiguration(given);
  if (count !== undefined) {
    const tasks = startTasks(program, count, {}, { argv, ...(drainMs !== undefined && { drainMs }) });
    return runTasks(tasks, program, given.isOn(QUIET.name));
  }
  const signals = new StopSignals();
  const task = startTask(program, {}, { argv, stdin: true });
  if (!given.isOn(QUIET.name)) {
    const print = (thread: TaskThread): void =>
      void process.stderr.write(`asynctcp: ${threadText(thread)}\n`);
    task.started.then(print, () => undefined);
  }
  const status = await Promise.race([outcome(task, program), forwardSignals(task, signals)]);
  if (typeof status !== 'number') return endAtOnce(task, status);
  signals.end();
  return status;
}

async function runTasks(tasks: AsyncTasks, program: URL, isQuiet: boolean): Promise<number> {
  const signals = new StopSignals();
  const onHangUp = (): void => {
    const said = (error: unknown): void =>
      void process.stderr.write(`asynctcp: ${error instanceof Error ? error.message : String(error)}\n`);
    tasks.reload().then(() => {
      if (!isQuiet) process.stderr.write('asynctcp: all tasks were replaced\n');
    }, said);
  };
  process.on('SIGHUP', onHangUp);
  if (!isQuiet) {
    const print = (threads: readonly TaskThread[]): void => {
      threads.forEach((thread, number) => {
        process.stderr.write(`asynctcp: ${threadText(thread, `task ${number}`)}\n`);
      });
    };
    tasks.started.then(print, () => undefined);
  }
  const status = await Promise.race([outcome(tasks, program), stopTasks(tasks, signals)]);
  if (typeof status !== 'number') return endAtOnce(tasks, status);
  process.off('SIGHUP', onHangUp);
  signals.end();
  return status;
}

/** Ends the tasks in order at the first signal. Resolves with a second one. */
async function stopTasks(tasks: AsyncTasks, signals: StopSignals): Promise<StopSignal> {
  tasks.signal(await signals.next());
  return signals.next();
}

/** Returns the number that an option has; `undefined` if the option is not given. */
function readNumber(given: Arguments, option: Option, least: number, most: number): number | undefined {
  const text = given.value(option.name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw wrongArguments(
    `--${option.name} must be an integer from ${least} to ${most}, not ${JSON.stringify(text)}`,
  );
}

/**
 * Ends the task at once, and the process with it. A task in a synchronous call would block that end: it is
 * killed.
 */
async function endAtOnce(task: AsyncTask | AsyncTasks, signal: StopSignal): Promise<number> {
  systemClock.setAlarm(systemClock.nowMs() + END_LIMIT_MS, () => process.kill(process.pid, 'SIGKILL'));
  // The task's own outcome does not matter: the signal decides the status.
  await task.terminate().catch(() => undefined);
  process.exit(ExitStatus.SIGNAL + signalNumber(signal));
}

/** Returns the program's exit status. Prints an error that the program did not catch, as Node does. */
async function outcome(task: AsyncTask | AsyncTasks, program: URL): Promise<number> {
  try {
    return await task.ended;
  } catch (error) {
    const refusal = typeScriptRefusal(error, program);
    if (refusal !== undefined) throw refusal;
    process.stderr.write(
      `Uncaught ${error instanceof Error ? (error.stack ?? String(error)) : inspect(error)}\n`,
    );
    return ExitStatus.FAILED;
  }
}

/**
 * Passes the first signal on to the program. Resolves with a signal that it does not handle, or with a
 * second one.
 */
async function forwardSignals(task: AsyncTask, signals: StopSignals): Promise<StopSignal> {
  const first = await signals.next();
  const unheard = new Promise<typeof first>((heardBy) => {
    task.onUnheard(() => {
      heardBy(first);
    });
  });
  task.signal(first);
  return Promise.race([unheard, signals.next()]);
}

/** Returns the settings in effect as a sentence. */
function threadText({ core, priority, stackWords }: TaskThread, name = 'the async task'): string {
  const where = core.effective < 0 ? 'any core' : `core ${core.effective}`;
  const size =
    stackWords.effective === stackWords.requested
      ? `${stackWords.effective} words`
      : `${stackWords.effective} words (${stackWords.requested} asked for)`;
  return `${name} runs on ${where} at priority ${priority.effective} (nice ${priority.nice}) with a stack of ${size}`;
}
