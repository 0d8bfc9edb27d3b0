/**
 * The life of a supervised task, one thread after the other: named phases, and one table of what each event
 * does in each of them (contract W2).
 *
 *     RUNNING ──panic──▶ PANICKED ──threadEnded──▶ WAITING ──backOffOver──▶ RUNNING
 *        ├──terminate──▶ TERMINATING ──threadEnded──▶ ENDED
 *        └──threadEnded──▶ ENDED
 *
 * `terminate` also ends a task that has panicked or waits.
 */
import { step, type PhaseTable } from './phase-table.js';

export const TaskPhase = {
  /** A thread runs the program. */
  RUNNING: 'RUNNING',
  /** The watchdog has panicked: the thread is being ended, and another one follows it. */
  PANICKED: 'PANICKED',
  /** No thread: the back-off before the next one. */
  WAITING: 'WAITING',
  /** `terminate` was called: the thread is being ended, and none follows it. */
  TERMINATING: 'TERMINATING',
  ENDED: 'ENDED',
} as const;

export type TaskPhase = (typeof TaskPhase)[keyof typeof TaskPhase];

export type TaskEvent =
  /** The watchdog of the present thread reports a bite that ends the task. */
  | 'panic'
  /** The present thread is over, for any reason. */
  | 'threadEnded'
  | 'backOffOver'
  /** The owner of the task calls `terminate`. */
  | 'terminate';

export type TaskAct =
  | 'startThread'
  | 'endThread'
  /** Ends the thread; kills the process if the thread does not end in time. */
  | 'endThreadOrProcess'
  | 'startBackOff'
  | 'cancelBackOff'
  /** Reports a signal that the ended thread had no time to handle. */
  | 'returnSignal'
  /** Settles the promises of the task. */
  | 'settle';

const { RUNNING, PANICKED, WAITING, TERMINATING, ENDED } = TaskPhase;

export const TASK_PHASES: PhaseTable<TaskPhase, TaskEvent, TaskAct> = {
  [RUNNING]: {
    panic: step(PANICKED, 'endThreadOrProcess'),
    threadEnded: step(ENDED, 'settle'),
    terminate: step(TERMINATING, 'endThread'),
  },
  [PANICKED]: {
    threadEnded: step(WAITING, 'startBackOff', 'returnSignal'),
    // The thread is being ended already.
    terminate: step(TERMINATING),
  },
  [WAITING]: {
    backOffOver: step(RUNNING, 'startThread'),
    terminate: step(ENDED, 'cancelBackOff', 'settle'),
  },
  [TERMINATING]: {
    threadEnded: step(ENDED, 'settle'),
  },
  [ENDED]: {},
};
