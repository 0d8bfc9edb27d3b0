import { testTarget } from './test-target.js';
import * as targets from './virtual.js';

for (const target of Object.values(targets)) testTarget(target, []);
