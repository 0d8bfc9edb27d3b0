// The comparisons: which contestants meet in which workloads.

import {
  type Contestant,
  EPOLL,
  ONACK,
  ONPACKET,
  OTHERS,
  ours,
  pairs,
  REFERENCE,
  STACKS,
  TASKS_CONTESTANTS,
  UNWATCHED,
  VIEW,
  WEB_CONTESTANTS,
} from './contestants.js';
import { WEB_WORKLOADS, type Workload, WORKLOADS } from './workloads.js';

export interface Comparison {
  readonly contestants: readonly Contestant[];
  readonly workloads: readonly Workload[];
  /** Only workloads whose name contains this, unless the command line names others. */
  readonly only: string;
  /** Name of the results of a whole run, if they are kept. */
  readonly saveAs?: string;
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
    workloads: WORKLOADS,
    only: '',
    saveAs: 'latest',
  },
  /** Programs on Node's own net API, on it and on the library. */
  web: {
    contestants: WEB_CONTESTANTS,
    workloads: WEB_WORKLOADS,
    only: '',
    saveAs: 'web',
  },
  /** The reference and itself: the ratios show the noise of the benchmark. */
  self: {
    contestants: [EPOLL, { ...EPOLL, name: `${REFERENCE} again` }],
    workloads: WORKLOADS,
    only: '',
  },
  /** The cost of the watchdog. */
  watchdog: { contestants: pairs([UNWATCHED], []), workloads: WORKLOADS, only: 'echo' },
  /** Two tasks and one. */
  tasks: { contestants: TASKS_CONTESTANTS, workloads: WORKLOADS, only: 'echo-64B-500c' },
  /** The cost of `onAck`. */
  onack: { contestants: pairs([], [ONACK]), workloads: WORKLOADS, only: 'echo-64B-50c' },
} as const satisfies Record<string, Comparison>;
