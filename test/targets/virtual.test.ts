import { testTarget } from './test-target.js';
import { virtual } from './virtual.js';

testTarget(virtual, []);
