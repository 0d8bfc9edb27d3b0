import { nodeInTask } from './node-in-task.js';
import { testTarget } from './test-target.js';

testTarget(nodeInTask);
