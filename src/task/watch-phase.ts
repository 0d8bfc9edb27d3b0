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

export const WatchPhase = {
  STARTING: 'STARTING',
  WATCHED: 'WATCHED',
  /** The back-off before the next attempt to start a watchdog. */
  WAITING: 'WAITING',
  /** No watchdog can be started here: it is not tried again. */
  UNWATCHED: 'UNWATCHED',
} as const;

export type WatchPhase = (typeof WatchPhase)[keyof typeof WatchPhase];

export type WatchEvent =
  | 'online'
  /** Descriptors, memory or threads are missing: that passes. */
  | 'shortage'
  /** Any other failure: it lasts. */
  | 'fault'
  | 'backOffOver';

export type WatchAct = 'start' | 'reportOnline' | 'startBackOff' | 'reportFault';

const { STARTING, WATCHED, WAITING, UNWATCHED } = WatchPhase;

const FAILURES = {
  shortage: step<WatchPhase, WatchAct>(WAITING, 'startBackOff'),
  fault: step<WatchPhase, WatchAct>(UNWATCHED, 'reportFault'),
} as const;

export const WATCH_PHASES: PhaseTable<WatchPhase, WatchEvent, WatchAct> = {
  [STARTING]: { online: step(WATCHED, 'reportOnline'), ...FAILURES },
  [WATCHED]: FAILURES,
  [WAITING]: { backOffOver: step(STARTING, 'start') },
  [UNWATCHED]: {},
};
