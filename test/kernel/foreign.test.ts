import { SCENARIOS } from './foreign.js';
import { testScenarios } from './test-scenarios.js';

testScenarios('among foreign programs', new URL('foreign.js', import.meta.url), SCENARIOS);
