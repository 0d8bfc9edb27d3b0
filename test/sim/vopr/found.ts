/** Seeds whose runs have found a fault, with what it was. Each is played again by the tests. */
export interface FoundSeed {
  readonly seed: number;
  readonly what: string;
}

export const FOUND: readonly FoundSeed[] = [
  { seed: 1, what: 'a keep-alive probe was due again and again at one instant' },
];
