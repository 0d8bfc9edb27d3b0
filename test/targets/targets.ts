/** Every target of the contract suite. */
import type { Target } from '../contract/case.js';
import { kernelInTask, nodeInTask } from './in-task-targets.js';
import { kernel, kernelOnIpv6, kernelWithNode, nodeWithKernel } from './kernel.js';
import { memory } from './memory.js';
import { node } from './node.js';
import { recordingOnKernel, recordingOnMemory } from './recording.js';
import {
  esp32AsBoth,
  esp32AsClient,
  esp32AsServer,
  virtual,
  virtualOnIpv6,
  virtualWithLoss,
} from './virtual.js';

export const TARGETS: readonly Target[] = [
  kernel,
  kernelOnIpv6,
  kernelWithNode,
  nodeWithKernel,
  kernelInTask,
  node,
  nodeInTask,
  memory,
  recordingOnMemory,
  recordingOnKernel,
  virtual,
  virtualOnIpv6,
  virtualWithLoss,
  esp32AsClient,
  esp32AsServer,
  esp32AsBoth,
];
