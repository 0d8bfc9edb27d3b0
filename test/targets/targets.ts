/** Every target of the contract suite. */
import type { Target } from '../contract/case.js';
import { nodeInTask } from './node-in-task.js';
import { kernel } from './kernel.js';
import { node } from './node.js';

export const TARGETS: readonly Target[] = [kernel, node, nodeInTask];
