/**
 * Chooses the stack of a client or a server. This layer knows no stack: `src/composition.ts` offers them by
 * name, `auto` included.
 */
import type { TcpStack } from '../port/tcp-stack.js';
import { admissionOf, type Admission } from './admission.js';
import { isObject, show } from './check.js';
import { configuration, type StackName } from './configuration.js';

import { useTask } from './task-use.js';

/** A stack by its name, or a stack that the program made itself. */
export type StackOption = StackName | TcpStack;

const offered = new Map<StackName, () => TcpStack>();

/** Makes a stack known by name. `give` is called at each use and returns the same stack each time. */
export function offerStack(name: StackName, give: () => TcpStack): void {
  offered.set(name, give);
}

/** Returns the admission of the stack that the option, or the configuration, names. */
export function chooseStack(option: StackOption | undefined): Admission {
  useTask();
  if (isStack(option)) return admissionOf(option);
  const name = option ?? configuration.stack();
  const give = isObject(name) ? undefined : offered.get(name);
  if (give === undefined) {
    throw new RangeError(
      `stack must be one of ${[...offered.keys()].join(', ')} or a TcpStack, not ${show(name)}`,
    );
  }
  return admissionOf(give());
}

function isStack(option: StackOption | undefined): option is TcpStack {
  return isObject(option) && 'connect' in option && 'listen' in option && 'limits' in option;
}
