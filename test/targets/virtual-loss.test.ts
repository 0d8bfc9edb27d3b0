import { testTarget } from './test-target.js';
import { virtualWithLoss } from './virtual.js';

testTarget(virtualWithLoss, []);
