import { SCENARIOS } from './foreign.js';
import { testScenarios } from './stage.js';

testScenarios('among foreign programs', new URL('foreign.js', import.meta.url), SCENARIOS);
