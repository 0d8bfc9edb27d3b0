// On `kernel` it takes a minute: `npm run test:contract -- --target 'recording on kernel'`.
import { recordingOnMemory } from './recording.js';
import { testTarget } from './test-target.js';

testTarget(recordingOnMemory, []);
