// The contestants and the comparisons. A new contestant is added here.

/** The runtime of a server program. */
export type Runtime = 'c' | 'node' | 'bun' | 'deno';

export interface Contestant {
  readonly name: string;
  readonly runtime: Runtime;
  /** The name of a program in `bench/servers/`, without its extension. */
  readonly program: string;
  /** Arguments after the mode. */
  readonly args: readonly string[];
  /** The contestant that its ratios refer to; if that one does not take part, the first contestant. */
  readonly reference: string;
}

/** The measured stacks of this library. Each is one contestant. */
export const STACKS = ['kernel', 'node'] as const;

/** The server program of this library. Its first argument is the stack. */
export const OURS = 'asynctcp';

/**
 * Further arguments of the server program: the watchdog is off; clients have `onAck`; clients receive by
 * `onData` as views, or by `onPacket`, instead of by `onData`.
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

/** Returns two contestants for each stack, with different arguments. */
function pairs(without: readonly string[], withIt: readonly string[]): Contestant[] {
  return STACKS.flatMap((stack) => {
    const reference = nameOf(stack, ...without);
    return [ours(stack, without, reference), ours(stack, withIt, reference)];
  });
}

export interface Comparison {
  readonly contestants: readonly Contestant[];
  /** Only workloads whose name contains this, unless the command line names others. */
  readonly only: string;
}

export const COMPARISONS = {
  /** The library and its alternatives. */
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
  /** The reference and itself: the ratios show the noise of the benchmark. */
  self: { contestants: [EPOLL, { ...EPOLL, name: `${REFERENCE} again` }], only: '' },
  /** The cost of the watchdog. */
  watchdog: { contestants: pairs([UNWATCHED], []), only: 'echo' },
  /** The cost of `onAck`. */
  onack: { contestants: pairs([], [ONACK]), only: 'echo-64B-50c' },
} as const satisfies Record<string, Comparison>;

/**
 * Returns the contestants with these names, in the order of the comparison, and the names that are unknown.
 */
export function chosen(
  from: readonly Contestant[],
  names: readonly string[],
): { found: readonly Contestant[]; unknown: readonly string[] } {
  return {
    found: from.filter(({ name }) => names.includes(name)),
    unknown: names.filter((name) => from.every((contestant) => contestant.name !== name)),
  };
}
