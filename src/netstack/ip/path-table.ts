/**
 * Paths that a host keeps, so that all connections between two addresses share one. It is a cache: a path
 * that is not found is made anew, and one that is driven out serves its connections on.
 */
import type { Address } from '../wire/address.js';
import type { Path } from './ip-path.js';

const FIRST_SLOTS = 16;
/** Slots of the largest table. */
export const MOST_PATHS = 16_384;
/** Slots behind its first one in which a path may be: more are not searched. */
const REACH = 8;

export class PathTable {
  readonly #hasSources: boolean;
  #slots = emptySlots(FIRST_SLOTS);

  /** @param hasSources true: paths are found by both addresses; false: by the destination alone. */
  constructor(hasSources: boolean) {
    this.#hasSources = hasSources;
  }

  get size(): number {
    return this.#slots.reduce((count, path) => (path === undefined ? count : count + 1), 0);
  }

  /** @param source `undefined` in a table that has no sources. */
  find(destination: Address, source: Address | undefined): Path | undefined {
    const first = hashOf(destination, source);
    const mask = this.#slots.length - 1;
    for (let step = 0; step < REACH; step += 1) {
      const path = this.#slots[(first + step) & mask];
      if (path === undefined) return undefined;
      const isFound = path.destination.equals(destination) && (source?.equals(path.source) ?? true);
      if (isFound) return path;
    }
    return undefined;
  }

  add(path: Path): void {
    if (this.#put(path)) return;
    if (this.#slots.length < MOST_PATHS) {
      const old = this.#slots;
      this.#slots = emptySlots(old.length * 2);
      for (const kept of old) if (kept !== undefined) this.#put(kept);
      if (this.#put(path)) return;
    }
    this.#slots[this.#firstSlot(path)] = path;
  }

  clear(): void {
    this.#slots = emptySlots(FIRST_SLOTS);
  }

  /** Returns false if the slots in which the path may be are taken. */
  #put(path: Path): boolean {
    const first = this.#firstSlot(path);
    const mask = this.#slots.length - 1;
    for (let step = 0; step < REACH; step += 1) {
      const slot = (first + step) & mask;
      if (this.#slots[slot] !== undefined) continue;
      this.#slots[slot] = path;
      return true;
    }
    return false;
  }

  #firstSlot({ destination, source }: Path): number {
    return hashOf(destination, this.#hasSources ? source : undefined) & (this.#slots.length - 1);
  }
}

function emptySlots(count: number): (Path | undefined)[] {
  return new Array<Path | undefined>(count).fill(undefined);
}

function hashOf({ a, b, c, d }: Address, source: Address | undefined): number {
  let hash = Math.imul(a ^ Math.imul(b, 0x85eb_ca6b), 0x9e37_79b1) ^ c;
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2_ae35) ^ d;
  if (source !== undefined) hash ^= Math.imul(source.d ^ Math.imul(source.b, 0x85eb_ca6b), 0x27d4_eb2f);
  hash = Math.imul(hash, 0x9e37_79b1);
  return hash ^ (hash >>> 16);
}
