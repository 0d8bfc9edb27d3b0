/** The option `stack`, where node:net's API takes options. */
import type { StackOption } from '../asynctcp/stack-choice.js';
import { isObject } from './node-parts.js';

/** Returns the stack that options name. It is checked when it is used. */
export function stackOf(options: unknown): StackOption | undefined {
  if (!isObject(options) || !('stack' in options)) return undefined;
  return isGiven(options.stack) ? options.stack : undefined;
}

function isGiven(stack: unknown): stack is StackOption {
  return stack !== undefined;
}
