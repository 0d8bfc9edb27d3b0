// The contestants. A new one is added here.

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
  /** The stack of the library that it runs on, if it does. */
  readonly stack?: string;
  /** It runs under the library's hook for `node:net`. */
  readonly isHooked?: true;
  /** Cores that it uses at once, if there are as many beside the load generator's. Default 1. */
  readonly cores?: number;
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

export const EPOLL = plain(REFERENCE, 'c', 'epoll');

export const OTHERS: readonly Contestant[] = [
  plain('node:net', 'node', 'node-net'),
  plain('bun', 'bun', 'bun'),
  plain('deno', 'deno', 'deno'),
];

const nameOf = (stack: string, ...words: readonly string[]): string =>
  [`${OURS}/${stack}`, ...words].join(' ');

export function ours(stack: string, words: readonly string[], reference: string): Contestant {
  return {
    name: nameOf(stack, ...words),
    runtime: 'node',
    program: OURS,
    args: [stack, ...words],
    reference,
    stack,
  };
}

/** Returns two contestants for each stack, with different arguments. */
export function pairs(without: readonly string[], withIt: readonly string[]): Contestant[] {
  return STACKS.flatMap((stack) => {
    const reference = nameOf(stack, ...without);
    return [ours(stack, without, reference), ours(stack, withIt, reference)];
  });
}

/** Argument of the server program: it runs as so many tasks. */
export const TASKS = 'tasks=';

function inTasks(count: number): Contestant {
  const word = `${TASKS}${count}`;
  return { ...ours('kernel', [word], nameOf('kernel', `${TASKS}1`)), cores: count };
}

export const TASKS_CONTESTANTS: readonly Contestant[] = [1, 2].map(inTasks);

/** The program of the web's servers and clients. */
const WEB = 'web';

/** Argument of this program: it uses the library explicitly. */
export const EXPLICIT = 'explicit';

const web = (name: string, runtime: Runtime, more: Partial<Contestant>): Contestant => ({
  name,
  runtime,
  program: WEB,
  args: [],
  reference: 'node',
  ...more,
});

export const WEB_CONTESTANTS: readonly Contestant[] = [
  web('node', 'node', {}),
  web('hook', 'node', { stack: 'kernel', isHooked: true }),
  web('explicit', 'node', { stack: 'kernel', args: [EXPLICIT] }),
  web('bun', 'bun', {}),
];

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
