/**
 * The contract suite's targets for the recording stack: it cannot meet the cases that the stack around which
 * it stands cannot meet, and meets all others. It records all that it can.
 */
import { kernelStack, recordingStack, type TcpStack } from 'asynctcp';
import { memoryTarget } from './memory.js';
import { systemTarget, type MakeStack } from './system-target.js';

const recorded = (stack: TcpStack): TcpStack => recordingStack(stack, { verbose: true, shownBytes: 16 });

const recordedKernel: MakeStack = (options) => recorded(kernelStack(options));

export const recordingOnMemory = memoryTarget('recording × recording on memory', recorded);

const OTHER_PROGRAM = 'it runs a program of its own, which chooses its stack by name';

export const recordingOnKernel = systemTarget(
  'recording × recording on kernel',
  recordedKernel,
  recordedKernel,
  {
    apart: {
      W: OTHER_PROGRAM,
      'L9.process': OTHER_PROGRAM,
      'L11.context': OTHER_PROGRAM,
      'D3.exit': OTHER_PROGRAM,
    },
  },
);
