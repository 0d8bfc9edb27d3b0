/** The log of a monitor's events: the last ones, of which the program's logger gets each. */
import { log, type LogLevel } from '../support/warn.js';
import { Ring } from './ring.js';
import type { MonitorEvent } from './snapshot.js';

/** Events that the log keeps. */
export const MOST_EVENTS = 1000;
/** Events of one kind that are kept in one second; a line tells how many more there were. */
export const MOST_EVENTS_PER_SECOND = 5;

/** Characters of an event's text. */
export const MOST_TEXT_CHARACTERS = 300;

export type EventKind = MonitorEvent['kind'];

export class EventLog {
  readonly #events = new Ring<MonitorEvent>(MOST_EVENTS);
  readonly #wallMs: () => number;
  readonly #thisSecond = new Map<EventKind, number>();
  #lastId = 0;

  /** @param wallMs returns the time of day in milliseconds. */
  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  add(kind: EventKind, level: LogLevel, text: string, connection: number | null = null): void {
    const count = (this.#thisSecond.get(kind) ?? 0) + 1;
    this.#thisSecond.set(kind, count);
    if (count > MOST_EVENTS_PER_SECOND) return;
    // The text of an error may have several lines.
    const line = text.replace(/\s+/g, ' ').slice(0, MOST_TEXT_CHARACTERS);
    this.#keep(kind, level, line, connection);
    // A warning of the library has reached the logger already.
    if (kind !== 'warning') log(level, { event: kind, connection: connection ?? undefined }, line);
  }

  #keep(kind: EventKind, level: LogLevel, text: string, connection: number | null): void {
    this.#lastId += 1;
    this.#events.add({ id: this.#lastId, atMs: this.#wallMs(), kind, level, text, connection });
  }

  /** Ends a second: the events of each kind that were too many become one line. */
  second(): void {
    for (const [kind, count] of this.#thisSecond) {
      if (count <= MOST_EVENTS_PER_SECOND) continue;
      this.#keep(kind, 'warn', `${count - MOST_EVENTS_PER_SECOND} more of these in one second`, null);
    }
    this.#thisSecond.clear();
  }

  /** Returns the events that are kept and whose number is above `id`. */
  since(id: number): MonitorEvent[] {
    return this.#events.last(Math.max(0, this.#lastId - id));
  }
}
