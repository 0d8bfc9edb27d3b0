/**
 * The parts of a session that only some connections need. A session makes this object when it needs the first
 * of them, so that an idle connection does not pay for all.
 */
import type { Fault } from '../port/tcp-stack.js';
import type { Timer } from '../support/timers.js';
import type { AckTimeout } from './ack-timeout.js';
import type { ClientStream } from './client-stream.js';
import type { FlushWaiters } from './flush-waiters.js';
import type { RxTimeout } from './rx-timeout.js';
import type { SendClock } from './send-clock.js';

/** Called when a life is over, with the fault that `onError` got, if any. */
export type OverListener = (fault: Fault | undefined) => void;

export class SessionParts {
  /** Takes the data beside the handlers, if there is one. */
  stream: ClientStream | undefined;
  /** The stream of this life: `stream`, or one that takes no data yet. */
  joined: ClientStream | undefined;
  /** Bytes delivered that the stream has not consumed. */
  unread = 0;
  sendClock: SendClock | undefined;
  ackTimeout: AckTimeout | undefined;
  rxTimeout: RxTimeout | undefined;
  flushes: FlushWaiters | undefined;
  timer: Timer | undefined;
  /** Time at which the present phase has taken too long; `undefined`: never. */
  deadlineMs: number | undefined;
  pollAtMs = 0;
  overListeners: OverListener[] | undefined;
}
