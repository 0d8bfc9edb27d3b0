/** Seeds whose runs have found a fault, with what it was. Each is played again by the tests. */
import { inForm } from '../../support/form.js';

export interface FoundSeed {
  readonly seed: number;
  readonly what: string;
}

const STALLED = 'a connection made no progress after the faults';
/** Long runs, each of several seconds. */
const LONG: readonly FoundSeed[] = [
  ...[1043, 100_005, 100_012].map((seed) => ({ seed, what: STALLED })),
  { seed: 20_261_192, what: 'a server that begins again finds no place on a host of few connections' },
];

export const FOUND: readonly FoundSeed[] = [
  { seed: 1, what: 'a keep-alive probe was due again and again at one instant' },
  ...[1028, 100_014].map((seed) => ({ seed, what: STALLED })),
  ...inForm({ short: [], long: LONG }),
];
