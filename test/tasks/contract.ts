/** The contract suite inside a task: runs the case whose name it is given, and posts the outcome. */
import { inspect } from 'node:util';
import { parentPort } from 'node:worker_threads';
import { CASES } from '../contract/cases.js';
import { node } from '../targets/node.js';

parentPort?.on('message', (id: string) => {
  const contractCase = CASES.find((candidate) => candidate.id === id);
  if (contractCase === undefined) throw new Error(`there is no case ${id}`);
  node.run(contractCase).then(
    () => parentPort?.postMessage({ id }),
    (error: unknown) => parentPort?.postMessage({ id, error: inspect(error) }),
  );
});
