// Who is compared: the one place to add a contestant. The first is the reference that ratios are taken to.

export interface Contestant {
  readonly name: string;
  /** A program in `bench/servers/`, without its ending. */
  readonly program: string;
  readonly args: readonly string[];
}

/** The stacks of this library that are measured; each gives one contestant. */
export const STACKS = ['node'] as const;

export const REFERENCE: Contestant = { name: 'node:net', program: 'node-net', args: [] };

/** The reference under a second name: its ratio to itself is the benchmark's own noise. */
export const REFERENCE_AGAIN: Contestant = { ...REFERENCE, name: 'node:net again' };

export const CHALLENGERS: readonly Contestant[] = STACKS.map((stack) => ({
  name: `asynctcp/${stack}`,
  program: 'asynctcp',
  args: [stack],
}));
