/** Seeds whose runs have found a fault, with what it was. Each is played again by the tests. */
export interface FoundSeed {
  readonly seed: number;
  readonly what: string;
}

export const FOUND: readonly FoundSeed[] = [];
