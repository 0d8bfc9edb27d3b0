import { kernelInTask, nodeInTask } from './in-task-targets.js';
import { testTarget } from './test-target.js';

testTarget(nodeInTask);
testTarget(kernelInTask);
