/** The addresses of a host's interfaces, found by their words: each packet asks for two. */
import type { Address } from '../wire/address.js';
import type { NetInterface } from './net-interface.js';

/** Addresses are kept by the last bits of their last word: two hosts of one link seldom have the same. */
const BUCKETS = 32;
const NONE: readonly Address[] = [];

export class OwnAddresses {
  readonly #buckets = new Array<readonly Address[]>(BUCKETS).fill(NONE);

  /** Reads the addresses of the interfaces anew. */
  set(interfaces: readonly NetInterface[]): void {
    this.#buckets.fill(NONE);
    for (const { addresses } of interfaces) {
      for (const { address } of addresses) {
        const at = address.d & (BUCKETS - 1);
        this.#buckets[at] = [...(this.#buckets[at] ?? NONE), address];
      }
    }
  }

  has(a: number, b: number, c: number, d: number): boolean {
    for (const own of this.#buckets[d & (BUCKETS - 1)] ?? NONE) {
      if (own.d === d && own.c === c && own.b === b && own.a === a) return true;
    }
    return false;
  }
}
