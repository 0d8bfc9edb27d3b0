/** The listeners of a thread as the monitor keeps them. A server keeps its number when it listens again. */
import { admissionOf } from '../asynctcp/admission.js';
import type { ObservedListener } from '../asynctcp/observer.js';
import type { ListenerFigures } from './snapshot.js';

/** Listeners that are kept after they stopped. */
export const MOST_STOPPED_LISTENERS = 16;
/** Time after the system's last refusal to accept in which a listener counts as short of descriptors. */
export const SHORTAGE_MS = 2000;

class ListenerRecord {
  readonly id: number;
  readonly stack: string;
  address = '';
  port = 0;
  /** The listener; that of the last time once it has stopped, for its clients. */
  listener: ObservedListener;
  isStopped = false;
  /** The last reason why it does not accept; `undefined` before the first `update`. */
  why: string | null | undefined;
  sinceMs = 0;
  accepted = 0;
  refused = 0;
  shortUntilMs = Number.NEGATIVE_INFINITY;

  constructor(id: number, listener: ObservedListener) {
    this.id = id;
    this.stack = listener.stack.name;
    this.listener = listener;
  }

  update(nowMs: number): void {
    const why = this.#why(nowMs);
    if (why === this.why) return;
    this.why = why;
    this.sinceMs = nowMs;
  }

  #why(nowMs: number): string | null {
    const { listener } = this;
    if (this.isStopped || !listener.isReady()) return 'ended';
    if (nowMs < this.shortUntilMs) return 'no descriptors';
    if (!listener.hasHandler()) return 'no handler';
    return listener.places() >= listener.maxClients || admissionOf(listener.stack).isFull ? 'full' : null;
  }

  figures(wallOffsetMs: number): ListenerFigures {
    const { id, stack, address, port, listener, accepted, refused } = this;
    const why = this.why ?? null;
    return {
      id,
      stack,
      address,
      port,
      accepting: why === null,
      why,
      sinceAtMs: Math.round(this.sinceMs + wallOffsetMs),
      clients: listener.clients(),
      maxClients: Number.isFinite(listener.maxClients) ? listener.maxClients : null,
      accepted,
      refused,
    };
  }
}

export class ListenerRecords {
  readonly #records = new Map<object, ListenerRecord>();
  #lastId = 0;

  /** A server listens. Returns `address port`, for texts. */
  begin(listener: ObservedListener, nowMs: number): string {
    const { keeper } = listener;
    const record = this.#records.get(keeper) ?? new ListenerRecord((this.#lastId += 1), listener);
    this.#records.set(keeper, record);
    record.listener = listener;
    record.isStopped = false;
    record.address = listener.address();
    record.port = listener.port();
    record.update(nowMs);
    return `${record.address} port ${record.port}`;
  }

  /** A server stops. Returns `address port`, for texts; `undefined` if it did not listen. */
  stop({ keeper }: ObservedListener, nowMs: number): string | undefined {
    const record = this.#records.get(keeper);
    if (record?.isStopped !== false) return undefined;
    record.isStopped = true;
    record.update(nowMs);
    const stopped = [...this.#records].filter(([, { isStopped }]) => isStopped);
    const excess = Math.max(0, stopped.length - MOST_STOPPED_LISTENERS);
    stopped.sort(([, a], [, b]) => a.sinceMs - b.sinceMs);
    for (const [oldest] of stopped.slice(0, excess)) this.#records.delete(oldest);
    return `${record.address} port ${record.port}`;
  }

  /** Counts an accepted connection of a server. Returns the listener's number. */
  accepted(keeper: object): number | null {
    const record = this.#records.get(keeper);
    if (record === undefined) return null;
    record.accepted += 1;
    record.shortUntilMs = Number.NEGATIVE_INFINITY;
    return record.id;
  }

  /** Counts a refused connection. Returns `address port` and the reason, for texts. */
  refused({ keeper }: ObservedListener, nowMs: number): string {
    const record = this.#records.get(keeper);
    if (record === undefined) return '';
    record.refused += 1;
    record.update(nowMs);
    return `${record.address} port ${record.port} (${record.why ?? 'it refuses'})`;
  }

  /** The system could not accept a connection. Returns true if that begins now. */
  ranShort({ keeper }: ObservedListener, nowMs: number): boolean {
    const record = this.#records.get(keeper);
    if (record === undefined) return true;
    const begins = nowMs >= record.shortUntilMs;
    record.shortUntilMs = nowMs + SHORTAGE_MS;
    record.update(nowMs);
    return begins;
  }

  update(nowMs: number): void {
    for (const record of this.#records.values()) record.update(nowMs);
  }

  figures(nowMs: number, wallOffsetMs: number): ListenerFigures[] {
    this.update(nowMs);
    return [...this.#records.values()].map((record) => record.figures(wallOffsetMs));
  }
}
