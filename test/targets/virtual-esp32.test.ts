import { testTarget } from './test-target.js';
import { esp32AsBoth, esp32AsClient, esp32AsServer } from './virtual.js';

testTarget(esp32AsBoth, []);
testTarget(esp32AsClient, []);
testTarget(esp32AsServer, []);
