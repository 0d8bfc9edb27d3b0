/** The last entries of a series, at most a fixed number of them. */
export class Ring<Entry> {
  readonly #entries: Entry[] = [];
  readonly #most: number;
  /** Place of the oldest entry once the ring is full. */
  #oldest = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Adds an entry, in the place of the oldest one if the ring is full. */
  add(entry: Entry): void {
    if (this.#entries.length < this.#most) {
      this.#entries.push(entry);
    } else {
      this.#entries[this.#oldest] = entry;
      this.#oldest = (this.#oldest + 1) % this.#most;
    }
  }

  /** Returns the last `count` entries, the oldest of them first. */
  last(count: number): Entry[] {
    const { length } = this.#entries;
    const all = [...this.#entries.slice(this.#oldest), ...this.#entries.slice(0, this.#oldest)];
    return all.slice(length - Math.min(count, length));
  }
}
