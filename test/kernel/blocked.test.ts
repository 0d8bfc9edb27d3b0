import { SCENARIOS } from './blocked.js';
import { testScenarios } from './test-scenarios.js';

testScenarios('a connection that is blocked', new URL('blocked.js', import.meta.url), SCENARIOS);
