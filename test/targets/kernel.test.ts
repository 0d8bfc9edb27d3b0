import { kernel, kernelOnIpv6 } from './kernel.js';
import { testTarget } from './test-target.js';

testTarget(kernel);
testTarget(kernelOnIpv6);
