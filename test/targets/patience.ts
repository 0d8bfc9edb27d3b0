/** Gives up what hangs. */

/**
 * Time without progress after which a case is given up. It ends a broken test; no passing test waits for it.
 */
export const PATIENCE_MS = 20_000;

/** A case whose peer never answers fails instead of holding up the suite. */
export async function withPatience(body: Promise<void>): Promise<void> {
  let giveUp: NodeJS.Timeout | undefined;
  const lost = new Promise<void>((_, reject) => {
    giveUp = setTimeout(() => {
      reject(new Error('the case did not end'));
    }, 2 * PATIENCE_MS);
  });
  try {
    await Promise.race([body, lost]);
  } finally {
    clearTimeout(giveUp);
    // When the environment is taken down, the body's waits fail, and their errors are of no interest.
    body.catch(() => undefined);
  }
}
