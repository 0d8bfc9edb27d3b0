import { testTarget } from './test-target.js';
import { kernel } from './kernel.js';

testTarget(kernel);
