// Who is compared: the one place to add a contestant. The first is the reference that ratios are taken to.

export interface Contestant {
  readonly name: string;
  /** A program in `bench/servers/`, without its ending. */
  readonly program: string;
  readonly args: readonly string[];
}

/** The stacks of this library that are measured; each gives one contestant. */
export const STACKS = ['node'] as const;

const REFERENCE: Contestant = { name: 'node:net', program: 'node-net', args: [] };

/** The reference under a second name: its ratio to itself is the benchmark's own noise. */
const REFERENCE_AGAIN: Contestant = { ...REFERENCE, name: 'node:net again' };

const challenger = (stack: string, ...args: readonly string[]): Contestant => ({
  name: [`asynctcp/${stack}`, ...args].join(' '),
  program: 'asynctcp',
  args: [stack, ...args],
});

const CHALLENGERS: readonly Contestant[] = STACKS.map((stack) => challenger(stack));

/** The argument of a server of ours that switches its watchdog off. */
export const UNWATCHED = 'unwatched';

/** What is compared with what; the first of each is the reference. */
export const COMPARISONS = {
  /** The library with plain node:net. */
  stacks: [REFERENCE, ...CHALLENGERS],
  self: [REFERENCE, REFERENCE_AGAIN],
  /** What the watchdog costs. */
  watchdog: STACKS.flatMap((stack) => [challenger(stack, UNWATCHED), challenger(stack)]),
} as const;
