/** A target whose cases run inside a dedicated task, on the smallest stack that there is. */
import { startTask, type AsyncTask } from 'asynctcp';
import type { ContractCase, Target } from '../contract/case.js';

/** Work that the task is asked to do. */
export interface CaseInTask {
  readonly target: string;
  readonly id: string;
}

interface Answer {
  readonly id: string;
  readonly error?: string;
}

/** Cases that start tasks of their own, or that only take long: a task around them changes nothing. */
const AS_OUTSIDE = 'it runs in the target without a task';
const APART = Object.fromEntries(
  ['W1', 'W2', 'W5', 'W6', 'W7', 'L6.errors', 'S1.web'].map((id) => [id, AS_OUTSIDE]),
);

export function inTask(target: Target): Target {
  let task: AsyncTask | undefined;
  return {
    name: `${target.name} in a task`,
    unmet: target.unmet,
    apart: { ...target.apart, ...APART },
    run: async (contractCase: ContractCase) => {
      task ??= startTask(new URL('../tasks/contract.js', import.meta.url));
      // Between two cases nothing is left to wait for.
      task.ref();
      const answer = await new Promise<Answer>((resolve, reject) => {
        task?.onMessage((value) => {
          resolve(value as Answer);
        });
        task?.ended.then(() => {
          reject(new Error('the task ended'));
        }, reject);
        task?.postMessage({ target: target.name, id: contractCase.id } satisfies CaseInTask);
      });
      task.unref();
      if (answer.error !== undefined) throw new Error(answer.error);
    },
  };
}
