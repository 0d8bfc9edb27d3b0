import { memory } from './memory.js';
import { testTarget } from './test-target.js';

testTarget(memory, []);
