/**
 * The life of one task of a group, one thread after the other: named phases, and one table of what each event
 * does in each of them (contract W5).
 *
 *     STARTING ──ready──▶ RUNNING ──replace──▶ REPLACING ──succeeded──▶ RUNNING
 *        ├──failed──▶ WAITING ──backOffOver──▶ STARTING
 *        └──finished──▶ ENDED
 *
 * `panic`, `stop` and `terminate` may come in every phase before ENDED.
 */
import { step, type PhaseTable } from './phase-table.js';

export const SeatPhase = {
  /** A thread loads the program. */
  STARTING: 'STARTING',
  /** The program was loaded. */
  RUNNING: 'RUNNING',
  /** As RUNNING; a successor loads the program beside it. */
  REPLACING: 'REPLACING',
  /** The watchdog has panicked: the thread is being ended, and another one follows it. */
  PANICKED: 'PANICKED',
  /** No thread: the back-off before the next one. */
  WAITING: 'WAITING',
  /** The thread was asked to end, and none follows it. */
  STOPPING: 'STOPPING',
  /** The thread is being ended, and none follows it. */
  TERMINATING: 'TERMINATING',
  ENDED: 'ENDED',
} as const;

export type SeatPhase = (typeof SeatPhase)[keyof typeof SeatPhase];

export type SeatEvent =
  | 'ready'
  /** The watchdog of the present thread reports a bite that ends the task. */
  | 'panic'
  /** The present thread has ended by an error, or with a status other than 0. */
  | 'failed'
  /** The present thread has ended with status 0. */
  | 'finished'
  | 'backOffOver'
  | 'replace'
  /** The successor was loaded, and listens wherever the present thread does. */
  | 'succeeded'
  /** The successor has ended before that, or took too long. */
  | 'notSucceeded'
  | 'stop'
  /** The thread has not ended in the time for it. */
  | 'stopLimitOver'
  | 'terminate';

export type SeatAct =
  | 'startThread'
  | 'startSuccessor'
  | 'endSuccessor'
  /** Makes the successor the present thread. */
  | 'promoteSuccessor'
  /** Asks the thread that a successor has replaced to end. */
  | 'retireThread'
  | 'askToEnd'
  | 'endThread'
  /** Ends the thread; kills the process if the thread does not end in time. */
  | 'endThreadOrProcess'
  | 'startBackOff'
  | 'cancelBackOff'
  | 'reportReady'
  | 'reportReplaced'
  | 'reportNotReplaced'
  /** The program could not be loaded. */
  | 'reportNotLoaded'
  /** The thread has ended by an error, or with a status other than 0. */
  | 'reportFailure'
  | 'reportEnd';

const { STARTING, RUNNING, REPLACING, PANICKED, WAITING, STOPPING, TERMINATING, ENDED } = SeatPhase;

export const SEAT_PHASES: PhaseTable<SeatPhase, SeatEvent, SeatAct> = {
  [STARTING]: {
    ready: step(RUNNING, 'reportReady'),
    panic: step(PANICKED, 'endThreadOrProcess'),
    failed: step(WAITING, 'startBackOff', 'reportNotLoaded'),
    finished: step(ENDED, 'reportEnd'),
    stop: step(STOPPING, 'askToEnd'),
    terminate: step(TERMINATING, 'endThread'),
  },
  [RUNNING]: {
    panic: step(PANICKED, 'endThreadOrProcess'),
    failed: step(WAITING, 'startBackOff', 'reportFailure'),
    finished: step(ENDED, 'reportEnd'),
    replace: step(REPLACING, 'startSuccessor'),
    stop: step(STOPPING, 'askToEnd'),
    terminate: step(TERMINATING, 'endThread'),
  },
  [REPLACING]: {
    // The successor is given up: it may have been loaded with what made this thread panic.
    panic: step(PANICKED, 'endThreadOrProcess', 'endSuccessor', 'reportNotReplaced'),
    failed: step(WAITING, 'startBackOff', 'reportFailure', 'endSuccessor', 'reportNotReplaced'),
    finished: step(ENDED, 'endSuccessor', 'reportNotReplaced', 'reportEnd'),
    succeeded: step(RUNNING, 'retireThread', 'promoteSuccessor', 'reportReplaced'),
    notSucceeded: step(RUNNING, 'endSuccessor', 'reportNotReplaced'),
    stop: step(STOPPING, 'endSuccessor', 'reportNotReplaced', 'askToEnd'),
    terminate: step(TERMINATING, 'endSuccessor', 'reportNotReplaced', 'endThread'),
  },
  [PANICKED]: {
    failed: step(WAITING, 'startBackOff'),
    finished: step(WAITING, 'startBackOff'),
    // The thread is being ended already.
    stop: step(TERMINATING),
    terminate: step(TERMINATING),
  },
  [WAITING]: {
    backOffOver: step(STARTING, 'startThread'),
    // A program that was mended need not wait.
    replace: step(STARTING, 'cancelBackOff', 'startThread', 'reportReplaced'),
    stop: step(ENDED, 'cancelBackOff', 'reportEnd'),
    terminate: step(ENDED, 'cancelBackOff', 'reportEnd'),
  },
  [STOPPING]: {
    panic: step(TERMINATING, 'endThreadOrProcess'),
    failed: step(ENDED, 'reportFailure', 'reportEnd'),
    finished: step(ENDED, 'reportEnd'),
    stopLimitOver: step(TERMINATING, 'endThreadOrProcess'),
    terminate: step(TERMINATING, 'endThread'),
  },
  [TERMINATING]: {
    failed: step(ENDED, 'reportEnd'),
    finished: step(ENDED, 'reportEnd'),
  },
  [ENDED]: {},
};
