/** Every target of the contract suite. */
import type { Target } from '../contract/case.js';
import { nodeInTask } from './node-in-task.js';
import { node } from './node.js';

export const TARGETS: readonly Target[] = [node, nodeInTask];
