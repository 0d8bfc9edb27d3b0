import { SCENARIOS } from './bulk.js';
import { testScenarios } from './test-scenarios.js';

testScenarios('streams through TAP', new URL('bulk.js', import.meta.url), SCENARIOS);
