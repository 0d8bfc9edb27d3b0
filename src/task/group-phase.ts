/**
 * The life of a group of tasks: named phases, and one table of what each event does in each of them (contract
 * W5).
 *
 *     FIRST ──firstReady──▶ SERVING ──reload──▶ RELOADING ──allReplaced──▶ SERVING
 *
 * `stop` leads to STOPPING, `terminate` and `hopeless` to TERMINATING, and the end of the last task to ENDED.
 */
import { step, type PhaseTable } from './phase-table.js';

export const GroupPhase = {
  /** The first task loads the program alone: what is wrong with the program is reported once. */
  FIRST: 'FIRST',
  SERVING: 'SERVING',
  /** The tasks are replaced, one after the other. */
  RELOADING: 'RELOADING',
  /** Every task was asked to end. */
  STOPPING: 'STOPPING',
  /** Every task is being ended. */
  TERMINATING: 'TERMINATING',
  ENDED: 'ENDED',
} as const;

export type GroupPhase = (typeof GroupPhase)[keyof typeof GroupPhase];

export type GroupEvent =
  | 'firstReady'
  | 'reload'
  /** A task was replaced. */
  | 'replaced'
  | 'notReplaced'
  | 'allReplaced'
  /** A task could not load the program, and no other task has loaded it. */
  | 'hopeless'
  | 'stop'
  | 'terminate'
  | 'lastEnded';

export type GroupAct =
  | 'startOthers'
  | 'replaceNext'
  | 'settleReload'
  | 'rejectReload'
  /** Closes the listening sockets that are kept for threads to come. */
  | 'closeSockets'
  | 'stopTasks'
  | 'terminateTasks'
  /** Settles the promises of the group. */
  | 'settle';

const { FIRST, SERVING, RELOADING, STOPPING, TERMINATING, ENDED } = GroupPhase;

const STOP = step<GroupPhase, GroupAct>(STOPPING, 'closeSockets', 'stopTasks');
const TERMINATE = step<GroupPhase, GroupAct>(TERMINATING, 'closeSockets', 'terminateTasks');
const END = step<GroupPhase, GroupAct>(ENDED, 'closeSockets', 'settle');

export const GROUP_PHASES: PhaseTable<GroupPhase, GroupEvent, GroupAct> = {
  [FIRST]: {
    firstReady: step(SERVING, 'startOthers'),
    hopeless: TERMINATE,
    stop: STOP,
    terminate: TERMINATE,
    lastEnded: END,
  },
  [SERVING]: {
    reload: step(RELOADING, 'replaceNext'),
    hopeless: TERMINATE,
    stop: STOP,
    terminate: TERMINATE,
    lastEnded: END,
  },
  [RELOADING]: {
    replaced: step(RELOADING, 'replaceNext'),
    notReplaced: step(SERVING, 'rejectReload'),
    allReplaced: step(SERVING, 'settleReload'),
    hopeless: step(TERMINATING, 'rejectReload', 'closeSockets', 'terminateTasks'),
    stop: step(STOPPING, 'rejectReload', 'closeSockets', 'stopTasks'),
    terminate: step(TERMINATING, 'rejectReload', 'closeSockets', 'terminateTasks'),
    lastEnded: step(ENDED, 'rejectReload', 'closeSockets', 'settle'),
  },
  [STOPPING]: {
    terminate: step(TERMINATING, 'terminateTasks'),
    lastEnded: END,
  },
  [TERMINATING]: {
    lastEnded: END,
  },
  [ENDED]: {},
};
