import { SCENARIOS } from './link.js';
import { testScenarios } from './test-scenarios.js';

testScenarios('links that stay up', new URL('link.js', import.meta.url), SCENARIOS);
