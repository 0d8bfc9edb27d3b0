/** Chance. This is the one place that asks the runtime for it; a program that wants a seed brings its own. */

/** Returns a number of at least 0 and less than 1. */
export type Random = () => number;

/** The runtime's chance. */
export const systemRandom: Random = Math.random;
