/** The timers of `timers/promises`, on those of a network. */
import type { TimerHandle } from './timer-handle.js';

type Begin = (done: () => void) => TimerHandle;

/** Returns a promise of `value` when the timer is done, rejected if the signal aborts first. */
export function settled<Value>(
  begin: Begin,
  value: Value | undefined,
  signal: AbortSignal | undefined,
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      handle.close();
      reject(aborted(signal));
    };
    const handle = begin(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    });
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

/**
 * Yields `value` once for each time that a repeating timer has fired, until the signal aborts. A slow reader
 * does not delay the timer.
 */
export async function* every<Value>(
  begin: Begin,
  value: Value | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Value | undefined, never> {
  let due = 0;
  let wake: (() => void) | undefined;
  const note = (): void => {
    wake?.();
    wake = undefined;
  };
  const handle = begin(() => {
    due += 1;
    note();
  });
  signal?.addEventListener('abort', note);
  try {
    for (;;) {
      if (signal?.aborted === true) throw aborted(signal);
      if (due === 0) await new Promise<void>((resolve) => (wake = resolve));
      for (; due > 0; due -= 1) yield value;
    }
  } finally {
    handle.close();
    signal?.removeEventListener('abort', note);
  }
}

function aborted(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}
