import { kernelWithNode, nodeWithKernel } from './kernel.js';
import { testTarget } from './test-target.js';

testTarget(kernelWithNode);
testTarget(nodeWithKernel);
