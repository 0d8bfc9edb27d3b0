/** The stacks inside a dedicated task. */
import { inTask } from './in-task.js';
import { kernel } from './kernel.js';
import { node } from './node.js';

export const nodeInTask = inTask(node);
export const kernelInTask = inTask(kernel);
