import { testTarget } from './test-target.js';
import { virtualOnIpv6 } from './virtual.js';

testTarget(virtualOnIpv6, []);
