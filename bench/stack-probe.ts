// Checks that a stack of the library works on this machine: exits with 0, or with 1 and the reason.

import { AsyncServer } from 'asynctcp';

import { STACKS } from './contestants.js';

const stack = STACKS.find((name) => name === process.argv[2]);
try {
  if (stack === undefined) throw new RangeError(`not a stack of the benchmark: ${String(process.argv[2])}`);
  new AsyncServer(0, { stack });
  process.exit(0);
} catch (error) {
  process.stdout.write(error instanceof Error ? error.message : String(error), () => process.exit(1));
}
