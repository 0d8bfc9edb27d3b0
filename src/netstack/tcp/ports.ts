/** Local ports in use: those of listeners, and of connections that this host has opened. */
import type { Address } from '../wire/address.js';

/** A use of a port. `address` `undefined`: every address of the host. */
export interface PortUse {
  readonly address: Address | undefined;
  readonly port: number;
  readonly isShared: boolean;
  readonly isListener: boolean;
  /** Another use of the same port. */
  next?: PortUse | undefined;
}

export class Ports {
  readonly #uses = new Map<number, PortUse>();
  readonly #first: number;
  readonly #count: number;
  #next: number;

  /** @param random chooses where the search for free ports begins (RFC 6056 §3.3.1). */
  constructor({ first, last }: { readonly first: number; readonly last: number }, random: () => number) {
    this.#first = first;
    this.#count = last - first + 1;
    this.#next = Math.floor(random() * this.#count);
  }

  /**
   * Returns true if the use of a port excludes no other one. Listeners and bound connections exclude each
   * other.
   */
  isFree(use: PortUse): boolean {
    for (let other = this.#uses.get(use.port); other !== undefined; other = other.next) {
      if (overlaps(other.address, use.address) && !(other.isShared && use.isShared)) return false;
    }
    return true;
  }

  add(use: PortUse): void {
    use.next = this.#uses.get(use.port);
    this.#uses.set(use.port, use);
  }

  remove(use: PortUse): void {
    let previous: PortUse | undefined;
    for (let other = this.#uses.get(use.port); other !== undefined; other = other.next) {
      if (other !== use) {
        previous = other;
        continue;
      }
      if (previous !== undefined) previous.next = use.next;
      else if (use.next !== undefined) this.#uses.set(use.port, use.next);
      else this.#uses.delete(use.port);
      return;
    }
  }

  /** Returns an ephemeral port that nothing uses; `undefined` if there is none. */
  freePort(): number | undefined {
    for (let tries = 0; tries < this.#count; tries += 1) {
      const port = this.#first + this.#next;
      this.#next = (this.#next + 1) % this.#count;
      if (!this.#uses.has(port)) return port;
    }
    return undefined;
  }
}

function overlaps(a: Address | undefined, b: Address | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  if (a.isUnspecified() || b.isUnspecified()) return a.family === b.family;
  return a.equals(b);
}
