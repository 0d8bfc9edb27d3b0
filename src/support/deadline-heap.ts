/**
 * A binary heap of deadlines: the earliest first, and of equal ones the one with the lowest order. An item
 * is in the heap once at most; adding it again moves it. The keys stand in arrays of numbers, so that
 * nothing is allocated for a deadline.
 */
import { assert } from './assert.js';

const FIRST_CAPACITY = 64;

/** An item of a heap. Only the heap writes the field. */
export class HeapItem {
  /** Place in the heap, −1 outside. */
  heapIndex = -1;
}

export class DeadlineHeap<Item extends HeapItem> {
  readonly #items: Item[] = [];
  #times = new Float64Array(FIRST_CAPACITY);
  #orders = new Float64Array(FIRST_CAPACITY);

  get size(): number {
    return this.#items.length;
  }

  /** Returns the earliest item; `undefined` if there is none. */
  first(): Item | undefined {
    return this.#items[0];
  }

  /** Returns the earliest time; Infinity if there is none. */
  firstTime(): number {
    return this.#items.length === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] ?? 0);
  }

  /** Returns the time of an item that is in the heap. */
  timeOf(item: Item): number {
    return this.#times[item.heapIndex] ?? Number.POSITIVE_INFINITY;
  }

  /** Adds an item, or moves it to another time. */
  set(item: Item, time: number, order: number): void {
    let index = item.heapIndex;
    if (index < 0) {
      index = this.#items.length;
      if (index === this.#times.length) this.#grow();
      this.#items.push(item);
    }
    if (!this.#rise(index, item, time, order)) this.#sink(index, item, time, order);
  }

  /** Removes an item; harmless if it is not in the heap. */
  remove(item: Item): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#items.pop();
    assert(last !== undefined, 'an item with a place is in the heap');
    if (last === item) return;
    const end = this.#items.length;
    const time = this.#times[end] ?? 0;
    const order = this.#orders[end] ?? 0;
    if (!this.#rise(index, last, time, order)) this.#sink(index, last, time, order);
  }

  /** Returns the items in no order, for reports. */
  items(): readonly Item[] {
    return this.#items;
  }

  #isBefore(index: number, time: number, order: number): boolean {
    const other = this.#times[index] ?? 0;
    return other < time || (other === time && (this.#orders[index] ?? 0) < order);
  }

  #put(index: number, item: Item, time: number, order: number): void {
    this.#items[index] = item;
    this.#times[index] = time;
    this.#orders[index] = order;
    item.heapIndex = index;
  }

  #move(from: number, to: number): void {
    const item = this.#items[from];
    assert(item !== undefined, 'every place of the heap has an item');
    this.#put(to, item, this.#times[from] ?? 0, this.#orders[from] ?? 0);
  }

  /** Places the item at `index` or above; returns true if it is above. */
  #rise(index: number, item: Item, time: number, order: number): boolean {
    let place = index;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#isBefore(parent, time, order)) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#put(place, item, time, order);
    return place !== index;
  }

  #sink(index: number, item: Item, time: number, order: number): void {
    const size = this.#items.length;
    let place = index;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.#isBefore(right, this.#times[child] ?? 0, this.#orders[child] ?? 0))
        child = right;
      if (!this.#isBefore(child, time, order)) break;
      this.#move(child, place);
      place = child;
    }
    this.#put(place, item, time, order);
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length);
    const orders = new Float64Array(2 * this.#orders.length);
    times.set(this.#times);
    orders.set(this.#orders);
    this.#times = times;
    this.#orders = orders;
  }
}
