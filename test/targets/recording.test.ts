import { recordingOnKernel, recordingOnMemory } from './recording.js';
import { testTarget } from './test-target.js';

testTarget(recordingOnMemory, []);
testTarget(recordingOnKernel);
