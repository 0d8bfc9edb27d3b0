/**
 * The life of a watchdog: named phases, and one table of what each event does in each of them (contract W1,
 * W2).
 *
 *     WATCHING ──late──▶ EXAMINING ──stopped──▶ REPORTED ──moved──▶ WATCHING
 *                            └──slow──▶ UNSTOPPED ──stopped──▶ REPORTED
 *
 * The phases after `lateFatal` are for a callback whose bite ends the task:
 *
 *     WATCHING ──lateFatal──▶ EXAMINING_FATAL ──stopped──▶ RESETTING ──reset──▶ ENDING
 *                            └──slow──▶ UNSTOPPED_FATAL ──stopped──▶ RESETTING
 *                                           └──stuck, moved──▶ ENDING_UNSTOPPED, ENDING
 *
 * A callback that returns before its bite is reported, and a thread that another debugger holds, lead back
 * to WATCHING. The exit of the process leads to ENDING, which lasts until the thread or the process is
 * gone: nothing that happens meanwhile matters.
 */
import { step, type PhaseTable } from './phase-table.js';

export const WatchdogPhase = {
  /** No callback takes too long. */
  WATCHING: 'WATCHING',
  /** A callback takes too long: the debugger is asked to stop its thread. Nothing is reported yet. */
  EXAMINING: 'EXAMINING',
  EXAMINING_FATAL: 'EXAMINING_FATAL',
  /** Reported without its place, because the thread could not be stopped in time. */
  UNSTOPPED: 'UNSTOPPED',
  UNSTOPPED_FATAL: 'UNSTOPPED_FATAL',
  /** Reported with its place, and the thread runs on. */
  REPORTED: 'REPORTED',
  /** The thread stands still, and its connections are being reset. */
  RESETTING: 'RESETTING',
  /** The task is being ended though its thread was not stopped: it may still stop. */
  ENDING_UNSTOPPED: 'ENDING_UNSTOPPED',
  /** The task or the process is being ended, and the debugger leaves the thread. */
  ENDING: 'ENDING',
} as const;

export type WatchdogPhase = (typeof WatchdogPhase)[keyof typeof WatchdogPhase];

export type WatchdogEvent =
  /** A callback has taken longer than it may. */
  | 'late'
  /** The same, and its bite ends the task. */
  | 'lateFatal'
  /** The thread stands still within the callback, and its place is known. */
  | 'stopped'
  /** The thread has not stopped within the time of an examination. */
  | 'slow'
  /** The thread has not stopped within the time that a panic waits for. */
  | 'stuck'
  /** The callback has returned. */
  | 'moved'
  /** Another debugger holds the thread. */
  | 'held'
  /** The thread's connections are reset. */
  | 'reset'
  /** The process exits: no debugger may hold the thread. */
  | 'processExits';

export type WatchdogAct =
  | 'examine'
  /** Prints the bite and passes it on. */
  | 'report'
  /** Prints the place of a bite that was reported without it. */
  | 'reportPlace'
  /** Prints that the callback has returned. */
  | 'reportReturn'
  /** Lets the thread run on, or withdraws the request to stop it. */
  | 'release'
  /** Measures the blocked time from zero. */
  | 'measureAnew'
  | 'resetConnections'
  /** Ends a task whose thread stands still, and lets the thread run into its end. */
  | 'endStopped'
  | 'endUnstopped';

const { WATCHING, EXAMINING, EXAMINING_FATAL, UNSTOPPED, UNSTOPPED_FATAL, REPORTED, RESETTING } =
  WatchdogPhase;
const { ENDING_UNSTOPPED, ENDING } = WatchdogPhase;

const EXITS = step<WatchdogPhase, WatchdogAct>(ENDING, 'release');
const HELD = step<WatchdogPhase, WatchdogAct>(WATCHING, 'release', 'measureAnew');

export const WATCHDOG_PHASES: PhaseTable<WatchdogPhase, WatchdogEvent, WatchdogAct> = {
  [WATCHING]: {
    late: step(EXAMINING, 'examine'),
    lateFatal: step(EXAMINING_FATAL, 'examine'),
    processExits: step(ENDING),
  },
  [EXAMINING]: {
    stopped: step(REPORTED, 'report', 'release'),
    slow: step(UNSTOPPED, 'report'),
    moved: step(WATCHING, 'release'),
    held: HELD,
    processExits: EXITS,
  },
  [EXAMINING_FATAL]: {
    stopped: step(RESETTING, 'report', 'resetConnections'),
    slow: step(UNSTOPPED_FATAL, 'report'),
    moved: step(WATCHING, 'release'),
    held: HELD,
    processExits: EXITS,
  },
  [UNSTOPPED]: {
    stopped: step(REPORTED, 'reportPlace', 'release'),
    moved: step(WATCHING, 'reportReturn', 'release'),
    held: HELD,
    processExits: EXITS,
  },
  [UNSTOPPED_FATAL]: {
    stopped: step(RESETTING, 'reportPlace', 'resetConnections'),
    stuck: step(ENDING_UNSTOPPED, 'endUnstopped'),
    // The end was announced: it comes although the callback has returned meanwhile.
    moved: step(ENDING, 'reportReturn', 'endUnstopped', 'release'),
    held: HELD,
    processExits: EXITS,
  },
  [REPORTED]: {
    moved: step(WATCHING, 'reportReturn'),
    processExits: step(ENDING),
  },
  [RESETTING]: {
    reset: step(ENDING, 'endStopped'),
  },
  [ENDING_UNSTOPPED]: {
    // A thread that the debugger holds cannot end.
    stopped: step(ENDING, 'reportPlace', 'release'),
    moved: step(ENDING, 'reportReturn', 'release'),
    held: step(ENDING, 'release'),
    processExits: EXITS,
  },
  [ENDING]: {},
};
