/** Every target of the contract suite. */
import type { Target } from '../contract/case.js';
import { node } from './node.js';

export const TARGETS: readonly Target[] = [node];
