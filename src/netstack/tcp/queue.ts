/** A queue that makes nothing once it has its size: a ring of places. */
const FIRST_PLACES = 16;

export class Queue<T extends object> {
  #places: (T | undefined)[] = new Array<T | undefined>(FIRST_PLACES).fill(undefined);
  #first = 0;
  length = 0;

  push(object: T): void {
    if (this.length === this.#places.length) this.#grow();
    this.#places[(this.#first + this.length) & (this.#places.length - 1)] = object;
    this.length += 1;
  }

  /** Removes and returns the first one; `undefined` if the queue is empty. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const object = this.#places[this.#first];
    this.#places[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#places.length - 1);
    this.length -= 1;
    return object;
  }

  /** Removes an object, wherever it is. Returns false if it is not in the queue. */
  remove(object: T): boolean {
    const places = this.#places;
    const mask = places.length - 1;
    let at = 0;
    while (at < this.length && places[(this.#first + at) & mask] !== object) at += 1;
    if (at === this.length) return false;
    for (; at < this.length - 1; at += 1) {
      places[(this.#first + at) & mask] = places[(this.#first + at + 1) & mask];
    }
    places[(this.#first + at) & mask] = undefined;
    this.length -= 1;
    return true;
  }

  #grow(): void {
    const places = this.#places;
    const count = places.length;
    this.#places = new Array<T | undefined>(count * 2).fill(undefined);
    for (let index = 0; index < count; index += 1) {
      this.#places[index] = places[(this.#first + index) & (count - 1)];
    }
    this.#first = 0;
  }
}
