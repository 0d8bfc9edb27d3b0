/** Options of an event source. */
import type { EventSourceLimits } from '../limits.js';
import type { QueuePolicy } from '../queue/send-queue.js';

export interface AsyncEventSourceOptions {
  /** Bounds, and times. Default: `DEFAULT_EVENT_SOURCE_LIMITS`. */
  limits?: Partial<EventSourceLimits> | undefined;
  /**
   * The fate of an event to a client whose queue is full. Default: `close`; the client comes back and gets
   * the events with an id that it has missed.
   */
  policy?: QueuePolicy | undefined;
}
