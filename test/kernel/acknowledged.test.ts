import { SCENARIOS } from './acknowledged.js';
import { testScenarios } from './test-scenarios.js';

testScenarios('what the peer’s TCP acknowledged', new URL('acknowledged.js', import.meta.url), SCENARIOS);
