import { SCENARIOS } from './limits.js';
import { testScenarios } from './test-scenarios.js';

testScenarios('out of something', new URL('limits.js', import.meta.url), SCENARIOS);
