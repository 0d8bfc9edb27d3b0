/** The stack on node:net inside a dedicated task. */
import { inTask } from './in-task.js';
import { node } from './node.js';

export const nodeInTask = inTask(node);
