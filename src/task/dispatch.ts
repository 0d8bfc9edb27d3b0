/**
 * The one place from which a user's callback is called. Callbacks run one at a time; one that throws costs
 * its own connection, and the exception reaches the runtime's uncaught-error path once (contract L1, L7).
 *
 * There is a function for each number of arguments, because the data path makes no array and no closure per
 * call.
 */
import { assert } from '../support/assert.js';

/** Whose callback runs: it is told when the callback threw. */
export interface CallbackOwner {
  callbackThrew(): void;
}

let running = false;

function enter(): void {
  assert(!running, 'callbacks run one at a time');
  running = true;
}

function threw(owner: CallbackOwner, error: unknown): void {
  // Thrown from a microtask of its own, the error is uncaught in every runtime, and no caller of ours is
  // unwound.
  queueMicrotask(() => {
    throw error;
  });
  owner.callbackThrew();
}

export function call1<A>(owner: CallbackOwner, handler: (a: A) => void, a: A): void {
  enter();
  try {
    handler(a);
  } catch (error) {
    threw(owner, error);
  } finally {
    running = false;
  }
}

export function call2<A, B>(owner: CallbackOwner, handler: (a: A, b: B) => void, a: A, b: B): void {
  enter();
  try {
    handler(a, b);
  } catch (error) {
    threw(owner, error);
  } finally {
    running = false;
  }
}

export function call3<A, B, C>(
  owner: CallbackOwner,
  handler: (a: A, b: B, c: C) => void,
  a: A,
  b: B,
  c: C,
): void {
  enter();
  try {
    handler(a, b, c);
  } catch (error) {
    threw(owner, error);
  } finally {
    running = false;
  }
}
