/** The last events that had an id, for clients that come back. */

interface KeptEvent {
  readonly id: string;
  readonly data: Buffer;
}

/** The events that a client has missed. */
export interface Missed {
  /** Its events in order; empty if there are none. */
  readonly data: Buffer;
  /** True if the client's last event is not known any more: there may have been more. */
  readonly isGap: boolean;
}

const NOTHING = Buffer.alloc(0);

export class ReplayRing {
  readonly #mostEvents: number;
  readonly #mostBytes: number;
  readonly #events: KeptEvent[] = [];
  #bytes = 0;

  constructor(mostEvents: number, mostBytes: number) {
    this.#mostEvents = mostEvents;
    this.#mostBytes = mostBytes;
  }

  /** Number of events that are kept. */
  get length(): number {
    return this.#events.length;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps an event, and forgets the oldest ones that have no space beside it. */
  add(id: string, data: Buffer): void {
    this.#events.push({ id, data });
    this.#bytes += data.length;
    while (this.#events.length > this.#mostEvents || this.#bytes > this.#mostBytes) {
      const oldest = this.#events.shift();
      this.#bytes -= oldest?.data.length ?? 0;
    }
  }

  /**
   * Returns what came after an event; everything if that is not known.
   * @param id the client's last event; `undefined`: it has had none, and misses none.
   */
  after(id: string | undefined): Missed {
    if (id === undefined) return { data: NOTHING, isGap: false };
    const at = this.#events.findLastIndex((event) => event.id === id);
    const missed = this.#events.slice(at + 1);
    return { data: Buffer.concat(missed.map(({ data }) => data)), isGap: at < 0 };
  }
}
