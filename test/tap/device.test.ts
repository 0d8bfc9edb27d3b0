import { SCENARIOS } from './device.js';
import { testScenarios } from './test-scenarios.js';

testScenarios('a TAP or TUN device', new URL('device.js', import.meta.url), SCENARIOS);
