/**
 * Starts tasks in one process: `host.js PROGRAM CONFIG…`, a task for each CONFIG. Prints their events and
 * messages, one JSON object a line. Each line of input, `{ "task": 0, "post": … }`, is posted to a task. Ends
 * with its input.
 */
import { createInterface } from 'node:readline';
import { startTask, type ConfigureOptions } from 'asynctcp';

const [program = '', ...configs] = process.argv.slice(2);

function tell(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const tasks = configs.map((config, index) => {
  const task = startTask(new URL(program, import.meta.url), JSON.parse(config) as ConfigureOptions);
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
});

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const { task, post } = JSON.parse(line) as { task: number; post: unknown };
  tasks[task]?.postMessage(post);
});
input.on('close', () => {
  for (const task of tasks) void task.terminate();
});
