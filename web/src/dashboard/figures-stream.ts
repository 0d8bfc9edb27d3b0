/**
 * The event stream of a dashboard: a page that comes gets all figures, then the differences of each second.
 * While no page follows, nothing is asked of the monitor.
 *
 * Events: `all` {view, history, events}; `delta` {patch?, second, events?}.
 */
import type { MonitorEvent, Second } from 'asynctcp/monitor';
import { AsyncEventSource } from '../events/event-source.js';
import type { AsyncEventSourceClient } from '../events/event-source-client.js';
import { AsyncURIMatcher } from '../uri-matcher.js';
import { HEARTBEAT_MS, PAGE_EVENTS, PAGE_QUEUE_BYTES, PAGES } from './bounds.js';
import { mergePatch, type JsonObject } from './merge-patch.js';
import type { MonitorSource } from './monitor-source.js';
import { columnsOf } from './view.js';

/** The state that all pages have. */
interface Shown {
  readonly view: JsonObject;
  /** Number of the last event of the log. */
  readonly lastEvent: number;
}

export class FiguresStream {
  readonly source: AsyncEventSource;
  readonly #monitor: MonitorSource;
  readonly #look: () => JsonObject;
  #shown: Shown | undefined;
  #stop: (() => void) | undefined;

  /** @param look returns the figures of this moment. */
  constructor(path: string, monitor: MonitorSource, look: () => JsonObject) {
    this.#monitor = monitor;
    this.#look = look;
    const limits = {
      clients: PAGES,
      queueBytes: PAGE_QUEUE_BYTES,
      // Nothing is replayed: a page that comes back gets all figures.
      replayEvents: 1,
      replayBytes: 1,
      heartbeatMs: HEARTBEAT_MS,
    };
    this.source = new AsyncEventSource(AsyncURIMatcher.exact(path), { limits });
    this.source.onConnect((client) => {
      this.#welcome(client);
    });
    this.source.onDisconnect(() => {
      if (this.source.count() === 0) this.end();
    });
  }

  /** Stops asking the monitor, and ends the streams. */
  end(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#shown = undefined;
    this.source.close();
  }

  #welcome(client: AsyncEventSourceClient): void {
    this.#stop ??= this.#monitor.onSecond((second) => {
      this.#tick(second);
    });
    // A page that comes between two seconds gets the figures that the others have: the next delta fits all.
    const events = this.#monitor.events(0);
    const shown = (this.#shown ??= { view: this.#look(), lastEvent: events.at(-1)?.id ?? 0 });
    const known = events.filter(({ id }) => id <= shown.lastEvent).slice(-PAGE_EVENTS);
    const history = columnsOf(this.#monitor.history());
    client.send(JSON.stringify({ view: shown.view, history, events: known }), 'all');
  }

  #tick(second: Second): void {
    if (this.#shown === undefined) return;
    const { view, lastEvent } = this.#shown;
    const events: readonly MonitorEvent[] = this.#monitor.events(lastEvent).slice(-PAGE_EVENTS);
    const next = this.#look();
    const patch = mergePatch(view, next);
    this.#shown = { view: next, lastEvent: events.at(-1)?.id ?? lastEvent };
    const delta = { patch, second, events: events.length === 0 ? undefined : events };
    this.source.send(JSON.stringify(delta), 'delta');
  }
}
