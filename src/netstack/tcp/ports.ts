/**
 * Local ports in use: those of listeners, and of connections that this host has opened. The host chooses
 * the port of a connection for its destination, as RFC 6056 §3.3.4 and Linux do, or for all alike, as lwIP
 * does (`tcp_new_port`).
 */
import type { TcpProfile } from '../profile.js';
import type { Address } from '../wire/address.js';

/** Bits of a use of a port: two uses that have one in common do not exclude each other. */
export const PortSharing = {
  NONE: 0,
  /** The program allows further uses. */
  SHARED: 1,
  /** The host has chosen the port for a connection: others to other destinations may have it too. */
  CHOSEN: 2,
} as const;

/** All uses of one kind: the same port and address, shared alike. */
export interface PortUse {
  /** `undefined`: every address of the host. */
  readonly address: Address | undefined;
  readonly port: number;
  /** Bits of `PortSharing`. */
  readonly sharing: number;
  count: number;
  /** Another use of the same bucket. */
  next: PortUse | undefined;
}

/** Finds connections by their ends. */
export interface Ends {
  findEnds(remote: Address, remotePort: number, local: Address, localPort: number): unknown;
}

const FIRST_BUCKETS = 16;

/** Counters of choices, shared by the destinations of one hash (RFC 6056 §3.3.4: TABLE_LENGTH). */
const COUNTERS = 64;

export class Ports {
  /** Uses by the last bits of their port. */
  #buckets = emptyBuckets(FIRST_BUCKETS);
  #uses = 0;
  readonly #ends: Ends;
  readonly #first: number;
  readonly #count: number;
  readonly #isPerDestination: boolean;
  readonly #secret: number;
  readonly #chosen: Uint32Array;

  /** @param random makes the choices unforeseeable. */
  constructor(
    { first, last, perDestination }: TcpProfile['ephemeralPorts'],
    ends: Ends,
    random: () => number,
  ) {
    const chance = random();
    this.#ends = ends;
    this.#first = first;
    this.#count = last - first + 1;
    this.#isPerDestination = perDestination;
    this.#secret = Math.floor(chance * 0x1_0000_0000) | 0;
    this.#chosen = new Uint32Array(perDestination ? COUNTERS : 1);
    this.#chosen[0] = Math.floor(chance * this.#count);
  }

  /** Returns true if no other use of the port excludes one by `address`. */
  isFree(address: Address | undefined, port: number, sharing: number): boolean {
    for (let use = this.#bucketOf(port); use !== undefined; use = use.next) {
      if (use.port !== port || (use.sharing & sharing) !== 0) continue;
      if (overlaps(use.address, address)) return false;
    }
    return true;
  }

  /** Notes a use, which has to be removed again. */
  add(address: Address | undefined, port: number, sharing: number): PortUse {
    for (let use = this.#bucketOf(port); use !== undefined; use = use.next) {
      if (use.port !== port || use.sharing !== sharing || !isSame(use.address, address)) continue;
      use.count += 1;
      return use;
    }
    if (this.#uses >= this.#buckets.length) this.#grow();
    const use = { address, port, sharing, count: 1, next: undefined };
    this.#link(use);
    this.#uses += 1;
    return use;
  }

  remove(use: PortUse): void {
    use.count -= 1;
    if (use.count > 0) return;
    this.#uses -= 1;
    const first = this.#bucketOf(use.port);
    if (first === use) this.#buckets[use.port & (this.#buckets.length - 1)] = use.next;
    for (let previous = first; previous !== undefined; previous = previous.next) {
      if (previous.next === use) previous.next = use.next;
    }
  }

  #bucketOf(port: number): PortUse | undefined {
    return this.#buckets[port & (this.#buckets.length - 1)];
  }

  #link(use: PortUse): void {
    use.next = this.#bucketOf(use.port);
    this.#buckets[use.port & (this.#buckets.length - 1)] = use;
  }

  #grow(): void {
    const old = this.#buckets;
    this.#buckets = emptyBuckets(old.length * 2);
    for (const first of old) {
      for (let use = first; use !== undefined;) {
        const { next }: PortUse = use;
        this.#link(use);
        use = next;
      }
    }
  }

  #isUsed(port: number): boolean {
    for (let use = this.#bucketOf(port); use !== undefined; use = use.next)
      if (use.port === port) return true;
    return false;
  }

  /** Returns an ephemeral port that nothing uses; `undefined` if there is none. */
  unused(): number | undefined {
    for (let tries = 0; tries < this.#count; tries += 1) {
      const port = this.#nextPort(0, 0);
      if (!this.#isUsed(port)) return port;
    }
    return undefined;
  }

  /**
   * Returns an ephemeral port for a connection: none that a listener or bound connection has, and none with
   * which another connection has the same ends. `undefined` if there is none.
   */
  choose(local: Address, remote: Address, remotePort: number): number | undefined {
    const hash = this.#isPerDestination ? this.#hash(local, remote, remotePort) : 0;
    for (let tries = 0; tries < this.#count; tries += 1) {
      const port = this.#nextPort(hash & (COUNTERS - 1), hash >>> 8);
      const isFree = this.#isPerDestination
        ? this.isFree(local, port, PortSharing.CHOSEN)
        : !this.#isUsed(port);
      // An accepted connection may have these ends still, although its listener is gone.
      if (isFree && this.#ends.findEnds(remote, remotePort, local, port) === undefined) return port;
    }
    return undefined;
  }

  /** Each choice begins behind the last one, so that a port rests for as long as it can. */
  #nextPort(counter: number, offset: number): number {
    const chosen = this.#chosen[counter] ?? 0;
    this.#chosen[counter] = chosen + 1;
    return this.#first + ((offset + chosen) % this.#count);
  }

  #hash(local: Address, remote: Address, remotePort: number): number {
    let hash = mix(this.#secret ^ remote.a ^ Math.imul(remote.b, 0x27d4_eb2f));
    hash = mix(hash ^ remote.c ^ Math.imul(remotePort, 0x9e37_79b1));
    hash = mix(hash ^ remote.d);
    return mix(hash ^ local.d ^ this.#secret);
  }
}

function emptyBuckets(count: number): (PortUse | undefined)[] {
  return new Array<PortUse | undefined>(count).fill(undefined);
}

function mix(word: number): number {
  const hash = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  return hash ^ (hash >>> 13);
}

function isSame(a: Address | undefined, b: Address | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}

function overlaps(a: Address | undefined, b: Address | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  if (a.isUnspecified() || b.isUnspecified()) return a.family === b.family;
  return a.equals(b);
}
