/** The contract suite inside a task: runs each case that a message names, and posts the outcome. */
import { inspect } from 'node:util';
import { parentPort } from 'node:worker_threads';
import { CASES } from '../contract/cases.js';
import type { CaseInTask } from '../targets/in-task.js';
import { kernel } from '../targets/kernel.js';
import { node } from '../targets/node.js';

parentPort?.on('message', (asked: CaseInTask) => {
  const target = [kernel, node].find(({ name }) => name === asked.target);
  const contractCase = CASES.find(({ id }) => id === asked.id);
  if (target === undefined || contractCase === undefined) {
    throw new Error(`there is no ${asked.id} on ${asked.target}`);
  }
  const { id } = contractCase;
  target.run(contractCase).then(
    () => parentPort?.postMessage({ id }),
    (error: unknown) => parentPort?.postMessage({ id, error: inspect(error) }),
  );
});
