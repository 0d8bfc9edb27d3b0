/**
 * The events of a network in the order of their times: whole nanoseconds, and of one instant in the order in
 * which they were scheduled. Later events wait in a heap; those of the present instant, which is where a fast
 * network spends its life, in a ring. Nothing here calls a program or moves the time by itself.
 *
 * Call order: `schedule` | `add` → `take` until it returns nothing → `moveTo(nextNs())` → `take` …
 */
import { assert } from '../support/assert.js';
import { DeadlineHeap, HeapItem } from '../support/deadline-heap.js';
import type { SeededRandom } from '../support/seeded-random.js';

const FIRST_RING = 256;

/** A source of events. It is in the heap once at most, and in the ring of the present any number of times. */
export abstract class EventSource extends HeapItem {
  /** Number of the host at which the events happen; −1: none. */
  readonly hostId: number;

  constructor(hostId: number) {
    super();
    this.hostId = hostId;
  }

  /**
   * Lets one event happen. An event that was scheduled before the source has changed its mind is harmless.
   */
  abstract occur(): void;
}

export class Timeline {
  readonly #heap = new DeadlineHeap<EventSource>();
  #ring: (EventSource | undefined)[] = new Array<EventSource | undefined>(FIRST_RING).fill(undefined);
  #head = 0;
  #size = 0;
  #nowNs = 0;
  #order = 0;
  /** Draws which host is next at one instant; `undefined`: the order of scheduling decides. */
  readonly #ties: SeededRandom | undefined;

  constructor(ties?: SeededRandom) {
    this.#ties = ties;
  }

  /** The time, in nanoseconds since the network's start. */
  get nowNs(): number {
    return this.#nowNs;
  }

  /** Returns the next place in the order of events. */
  nextOrder(): number {
    return (this.#order += 1);
  }

  /** Adds an event at the present instant, behind all that are there. */
  add(source: EventSource): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = source;
    this.#size += 1;
  }

  /** Moves the one later event of a source to a time, which may be the present or a past one. */
  schedule(source: EventSource, atNs: number): void {
    this.scheduleAs(source, Math.max(atNs, this.#nowNs), this.nextOrder());
  }

  /** As `schedule`, at a place in the order that was taken before. */
  scheduleAs(source: EventSource, atNs: number, order: number): void {
    this.#heap.set(source, atNs, order);
  }

  /** Takes the later event of a source back. */
  cancel(source: EventSource): void {
    this.#heap.remove(source);
  }

  /** Returns the time of a source's later event; Infinity if there is none. */
  timeOf(source: EventSource): number {
    return source.heapIndex < 0 ? Number.POSITIVE_INFINITY : this.#heap.timeOf(source);
  }

  /** True if an event waits at the present instant. */
  get hasPresent(): boolean {
    return this.#size > 0 || this.#heap.firstTime() <= this.#nowNs;
  }

  /** Returns the source of the next event of the present instant, which is out of the order from now on. */
  take(): EventSource | undefined {
    if (this.#ties !== undefined) return this.#takeShuffled(this.#ties);
    if (this.#heap.firstTime() <= this.#nowNs) return this.#takeDue();
    if (this.#size === 0) return undefined;
    const source = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#size -= 1;
    return source;
  }

  /** Returns the time of the next later event; Infinity if there is none. */
  nextNs(): number {
    return this.#heap.firstTime();
  }

  /** Moves the time on. */
  moveTo(ns: number): void {
    assert(this.#size === 0 && ns >= this.#nowNs && ns <= this.#heap.firstTime(), 'time passes no event');
    this.#nowNs = ns;
  }

  #takeDue(): EventSource | undefined {
    const source = this.#heap.first();
    if (source !== undefined) this.#heap.remove(source);
    return source;
  }

  /** Takes the first event of a host that chance picks; events of one host keep their order. */
  #takeShuffled(ties: SeededRandom): EventSource | undefined {
    while (this.#heap.firstTime() <= this.#nowNs) {
      const due = this.#takeDue();
      if (due !== undefined) this.add(due);
    }
    if (this.#size === 0) return undefined;
    const mask = this.#ring.length - 1;
    const hostId = this.#ring[(this.#head + ties.below(this.#size)) & mask]?.hostId;
    let place = 0;
    while (this.#ring[(this.#head + place) & mask]?.hostId !== hostId) place += 1;
    const source = this.#ring[(this.#head + place) & mask];
    for (; place > 0; place -= 1) {
      this.#ring[(this.#head + place) & mask] = this.#ring[(this.#head + place - 1) & mask];
    }
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & mask;
    this.#size -= 1;
    return source;
  }

  #grow(): void {
    const size = this.#ring.length;
    const ring = new Array<EventSource | undefined>(2 * size).fill(undefined);
    for (let index = 0; index < size; index += 1) ring[index] = this.#ring[(this.#head + index) & (size - 1)];
    this.#ring = ring;
    this.#head = 0;
  }
}
