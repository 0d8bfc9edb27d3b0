/** The contract suite's target for the stack on the kernel's TCP. */
import { kernelStack } from 'asynctcp';
import { systemTarget } from './system-target.js';

export const kernel = systemTarget('kernel × kernel', kernelStack, kernelStack, {});
