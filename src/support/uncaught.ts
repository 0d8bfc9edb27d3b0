/**
 * Errors that have no caller to go to: those of callbacks. They reach the runtime's uncaught-error path,
 * unless a loop that calls the callbacks takes them (`takeUncaught`), as a simulation's run does, which fails
 * with them.
 */
import { queueMicrotask } from './microtask.js';

type Taker = (error: unknown) => void;

let taker: Taker | undefined;

/**
 * Passes the errors to `take` from now on; `undefined`: to the runtime. Returns the former taker, which the
 * caller sets again.
 */
export function takeUncaught(take: Taker | undefined): Taker | undefined {
  const former = taker;
  taker = take;
  return former;
}

/**
 * Reports an error. Without a taker it is thrown from a microtask of its own: it is uncaught in every
 * runtime, and unwinds no caller.
 */
export function throwUncaught(error: unknown): void {
  if (taker !== undefined) {
    taker(error);
    return;
  }
  queueMicrotask(() => {
    throw error;
  });
}
