import { testTarget } from './test-target.js';
import { node } from './node.js';

testTarget(node);
