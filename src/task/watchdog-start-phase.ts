/**
 * The start of a watchdog: named phases, and one table of what each event does in each of them.
 *
 *     STARTING ──online──▶ WATCHED
 *        ├──shortage──▶ WAITING ──backOffOver──▶ STARTING
 *        └──fault──▶ UNWATCHED
 *
 * A watchdog that fails later leads to WAITING or UNWATCHED as well.
 */
import { step, type PhaseTable } from './phase-table.js';

export const StartPhase = {
  STARTING: 'STARTING',
  WATCHED: 'WATCHED',
  /** The back-off before the next attempt to start a watchdog. */
  WAITING: 'WAITING',
  /** No watchdog can be started here: it is not tried again. */
  UNWATCHED: 'UNWATCHED',
} as const;

export type StartPhase = (typeof StartPhase)[keyof typeof StartPhase];

export type StartEvent =
  | 'online'
  /** Descriptors, memory or threads are missing: that passes. */
  | 'shortage'
  /** Any other failure: it lasts. */
  | 'fault'
  | 'backOffOver';

export type StartAct = 'start' | 'reportOnline' | 'startBackOff' | 'reportFault';

const { STARTING, WATCHED, WAITING, UNWATCHED } = StartPhase;

const FAILURES = {
  shortage: step<StartPhase, StartAct>(WAITING, 'startBackOff'),
  fault: step<StartPhase, StartAct>(UNWATCHED, 'reportFault'),
} as const;

export const START_PHASES: PhaseTable<StartPhase, StartEvent, StartAct> = {
  [STARTING]: { online: step(WATCHED, 'reportOnline'), ...FAILURES },
  [WATCHED]: FAILURES,
  [WAITING]: { backOffOver: step(STARTING, 'start') },
  [UNWATCHED]: {},
};
