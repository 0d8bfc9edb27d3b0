/** Waits for conditions by asking again and again, so that no test depends on how long something takes. */

/** Ends a test that hangs. No passing test waits this long. */
const PATIENCE_MS = 60_000;

/** Resolves to true when the condition holds, to false if it does not within `patienceMs`. */
export async function holdsWithin(
  patienceMs: number,
  condition: () => boolean,
  pause: () => Promise<void> = waitOneMs,
): Promise<boolean> {
  const deadlineMs = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) return false;
    await pause();
  }
  return true;
}

/**
 * Resolves when the condition holds.
 * @param what completes the sentence 'waited in vain until …'.
 * @throws Error if the condition does not hold in time.
 */
export async function until(what: string, condition: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
  if (!(await holdsWithin(patienceMs, condition))) throw new Error(`waited in vain until ${what}`);
}

export function waitOneMs(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
