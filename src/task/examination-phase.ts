/**
 * The life of an examination: named phases, and one table of what each event does in each of them.
 *
 *     ATTACHING ──attached──▶ ENABLING ──enabled──▶ STOPPING ──paused──▶ STOPPED
 *     STOPPED ──release──▶ LEAVING ──left──▶ GONE
 *
 * `release` may come in every phase.
 */
import { step, type PhaseTable } from './phase-table.js';

export const ExaminationPhase = {
  /** The connection to the thread's debugger is being made. */
  ATTACHING: 'ATTACHING',
  /** The debugger is asked for its state: a thread that another debugger holds reports its pause first. */
  ENABLING: 'ENABLING',
  /** The thread runs, and stops as soon as it notices. */
  STOPPING: 'STOPPING',
  /** The thread stands still for this examination. */
  STOPPED: 'STOPPED',
  /** The debugger is asked to leave the thread. */
  LEAVING: 'LEAVING',
  /** The connection is closed: no event of the thread comes any more. */
  GONE: 'GONE',
} as const;

export type ExaminationPhase = (typeof ExaminationPhase)[keyof typeof ExaminationPhase];

export type ExaminationEvent =
  | 'attached'
  /** The debugger has answered. */
  | 'enabled'
  /** The thread stands still. */
  | 'paused'
  /** The watchdog needs the thread no more. */
  | 'release'
  /** The debugger has left the thread. */
  | 'left';

export type ExaminationAct =
  /** Asks for the debugger's state and for a stop. */
  | 'askToStop'
  /** Asks the thread for its place and its connection. */
  | 'askForPlace'
  /** Reports that another debugger holds the thread. */
  | 'reportHeld'
  | 'resume'
  | 'leave'
  | 'disconnect';

const { ATTACHING, ENABLING, STOPPING, STOPPED, LEAVING, GONE } = ExaminationPhase;

export const EXAMINATION_PHASES: PhaseTable<ExaminationPhase, ExaminationEvent, ExaminationAct> = {
  [ATTACHING]: {
    attached: step(ENABLING, 'askToStop'),
    // Nothing was sent yet.
    release: step(GONE, 'disconnect'),
  },
  [ENABLING]: {
    enabled: step(STOPPING),
    paused: step(ENABLING, 'reportHeld'),
    release: step(LEAVING, 'leave'),
  },
  [STOPPING]: {
    paused: step(STOPPED, 'askForPlace'),
    release: step(LEAVING, 'leave'),
  },
  [STOPPED]: {
    // A worker stays paused when its debugger merely goes away.
    release: step(LEAVING, 'resume', 'leave'),
  },
  [LEAVING]: {
    left: step(GONE, 'disconnect'),
  },
  [GONE]: {},
};
