/**
 * Starts tasks in one process: `host.js PROGRAM CONFIG…`, a task for each CONFIG; with `{"group":…}` before
 * the first CONFIG a group of as many tasks, with that configuration. Prints their events and messages, one
 * JSON object a line. Of the lines of input, `{ "task": 0, "post": … }` is posted to a task, and
 * `{ "reload": true }` and `{ "stop": true }` are for the group. Ends with its input.
 */
import { createInterface } from 'node:readline';
import { startTask, startTasks, type AsyncTask, type AsyncTasks, type ConfigureOptions } from 'asynctcp';

const [name = '', ...words] = process.argv.slice(2);
const program = new URL(name, import.meta.url);

function tell(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function startAlone(config: ConfigureOptions, index: number): AsyncTask {
  const task = startTask(program, config);
  task.onWatchdog((bite) => {
    tell({ task: index, bite });
  });
  task.onRestart((restarts) => {
    tell({ task: index, restarts });
  });
  task.onMessage((posted) => {
    tell({ task: index, posted });
  });
  task.started.then(
    (thread) => {
      tell({ task: index, thread });
    },
    () => undefined,
  );
  return task;
}

function startGroup(configs: readonly ConfigureOptions[], drainMs: number | undefined): AsyncTasks {
  const tasks = startTasks(program, configs.length, configs[0], drainMs === undefined ? {} : { drainMs });
  tasks.onWatchdog((bite, task) => {
    tell({ task, bite });
  });
  tasks.onRestart((restarts, task) => {
    tell({ task, restarts });
  });
  tasks.onMessage((posted, task) => {
    tell({ task, posted });
  });
  tasks.started.then(
    (threads) => {
      for (const [task, thread] of threads.entries()) tell({ task, thread });
    },
    () => undefined,
  );
  tasks.ended.then(
    (ended) => {
      tell({ ended });
    },
    (error: unknown) => {
      console.error(error);
    },
  );
  return tasks;
}

const parsed = words.map((word) => JSON.parse(word) as ConfigureOptions & { group?: { drainMs?: number } });
const form = parsed[0]?.group;
const group = form === undefined ? undefined : startGroup(parsed.slice(1), form.drainMs);
const tasks = group === undefined ? parsed.map(startAlone) : [];

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const order = JSON.parse(line) as { task?: number; post?: unknown; reload?: boolean; stop?: boolean };
  if (order.reload === true) {
    void group?.reload().then(() => {
      tell({ reloaded: true });
    });
  } else if (order.stop === true) {
    group?.signal('SIGTERM');
  } else {
    tasks[order.task ?? -1]?.postMessage(order.post);
  }
});
input.on('close', () => {
  for (const task of tasks) void task.terminate();
  void group?.terminate();
});
