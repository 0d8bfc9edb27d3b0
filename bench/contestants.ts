// Who is compared with whom: the one place to add a contestant.

/** What runs a server program. */
export type Runtime = 'c' | 'node' | 'bun' | 'deno';

export interface Contestant {
  readonly name: string;
  readonly runtime: Runtime;
  /** A program in `bench/servers/`, without its ending. */
  readonly program: string;
  /** Its arguments after the mode. */
  readonly args: readonly string[];
  /** The contestant that its ratios are taken to; where it does not take part, the first of all. */
  readonly reference: string;
}

/** The stacks of this library that are measured; each gives one contestant. */
export const STACKS = ['kernel', 'node'] as const;

/** The server program of ours; its first argument is the stack. */
export const OURS = 'asynctcp';

/**
 * Further arguments of it: its watchdog is off; its clients listen for acknowledgements; they take what comes
 * by `onData` as views, or by `onPacket`, to give back, and not by `onData`, to keep.
 */
export const UNWATCHED = 'unwatched';
export const ONACK = 'onack';
export const VIEW = 'view';
export const ONPACKET = 'onpacket';

export const REFERENCE = 'c-epoll';

const plain = (name: string, runtime: Runtime, program: string): Contestant => ({
  name,
  runtime,
  program,
  args: [],
  reference: REFERENCE,
});

const EPOLL = plain(REFERENCE, 'c', 'epoll');

const OTHERS: readonly Contestant[] = [
  plain('node:net', 'node', 'node-net'),
  plain('bun', 'bun', 'bun'),
  plain('deno', 'deno', 'deno'),
];

const nameOf = (stack: string, ...words: readonly string[]): string =>
  [`${OURS}/${stack}`, ...words].join(' ');

function ours(stack: string, words: readonly string[], reference: string): Contestant {
  return {
    name: nameOf(stack, ...words),
    runtime: 'node',
    program: OURS,
    args: [stack, ...words],
    reference,
  };
}

/** Each of our stacks with itself, without a word and with it. */
function pairs(without: readonly string[], withIt: readonly string[]): Contestant[] {
  return STACKS.flatMap((stack) => {
    const reference = nameOf(stack, ...without);
    return [ours(stack, without, reference), ours(stack, withIt, reference)];
  });
}

export interface Comparison {
  readonly contestants: readonly Contestant[];
  /** Only workloads whose name contains this, unless the call says which. */
  readonly only: string;
}

export const COMPARISONS = {
  /** The library with the systems that one would use in its place. */
  stacks: {
    contestants: [
      EPOLL,
      ...STACKS.map((stack) => ours(stack, [], REFERENCE)),
      ours('kernel', [VIEW], REFERENCE),
      ours('kernel', [ONPACKET], REFERENCE),
      ...OTHERS,
    ],
    only: '',
  },
  /** The reference with itself: the ratios are the benchmark's own noise. */
  self: { contestants: [EPOLL, { ...EPOLL, name: `${REFERENCE} again` }], only: '' },
  /** What the watchdog costs. */
  watchdog: { contestants: pairs([UNWATCHED], []), only: 'echo' },
  /** What it costs to listen for acknowledgements. */
  onack: { contestants: pairs([], [ONACK]), only: 'echo-64B-50c' },
} as const satisfies Record<string, Comparison>;

/** Those of these names, in the order of the comparison, and the names that are nobody's. */
export function chosen(
  from: readonly Contestant[],
  names: readonly string[],
): { found: readonly Contestant[]; unknown: readonly string[] } {
  return {
    found: from.filter(({ name }) => names.includes(name)),
    unknown: names.filter((name) => from.every((contestant) => contestant.name !== name)),
  };
}
