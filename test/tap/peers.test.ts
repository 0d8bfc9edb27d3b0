import { SCENARIOS } from './peers.js';
import { testScenarios } from './test-scenarios.js';

testScenarios('programs of this machine through TAP', new URL('peers.js', import.meta.url), SCENARIOS);
