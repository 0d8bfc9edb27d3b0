/** The figures that a dashboard shows: those of `Monitor` of `asynctcp/monitor`, or of a program's own. */
import type { MonitorEvent, Second, Snapshot } from 'asynctcp/monitor';

export interface MonitorSource {
  /** Returns the figures of this moment. */
  snapshot(): Snapshot;
  /** Returns the last seconds, at most 900, the oldest first. */
  history(): readonly Second[];
  /** Returns the events behind the one of a number, the oldest first; 0: all that are kept. */
  events(sinceId: number): readonly MonitorEvent[];
  /** Calls `handler` at the end of each second. Returns a function that ends this. */
  onSecond(handler: (second: Second) => void): () => void;
  /** Closes a connection in order. Returns false if there is none of this number. */
  close(id: number): boolean;
  /** Resets a connection. Returns false if there is none of this number. */
  reset(id: number): boolean;
}
