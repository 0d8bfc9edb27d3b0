import { SCENARIOS } from './crowd.js';
import { testScenarios } from './test-scenarios.js';

testScenarios('a crowd that never reads', new URL('crowd.js', import.meta.url), SCENARIOS);
