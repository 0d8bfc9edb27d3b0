/** The connections of a host by their four numbers: a hash table that makes nothing for a lookup. */
import type { Address } from '../wire/address.js';
import type { IpPacket } from './ip-service.js';

/** A connection, or what is left of it in TIME_WAIT. */
export interface TableEntry {
  readonly localAddress: Address;
  readonly localPort: number;
  readonly remoteAddress: Address;
  readonly remotePort: number;
  /** The table alone uses both. */
  hash: number;
  hashNext: TableEntry | undefined;
}

const FIRST_BUCKETS = 64;
/** Connections for each bucket on average before the table grows. */
const LOAD = 1;

export class ConnectionTable {
  #buckets: (TableEntry | undefined)[] = new Array<TableEntry | undefined>(FIRST_BUCKETS).fill(undefined);
  readonly #secret: number;
  count = 0;

  /** @param secret makes the buckets of chosen ports unforeseeable. */
  constructor(secret: number) {
    this.#secret = secret | 0;
  }

  add(c: TableEntry): void {
    if (this.count >= this.#buckets.length * LOAD) this.#grow();
    c.hash = this.#hash(c.remoteAddress.c, c.remoteAddress.d, c.remotePort, c.localPort);
    this.#link(c);
    this.count += 1;
  }

  remove(c: TableEntry): void {
    const at = c.hash & (this.#buckets.length - 1);
    let previous: TableEntry | undefined;
    for (let other = this.#buckets[at]; other !== undefined; other = other.hashNext) {
      if (other === c) {
        if (previous === undefined) this.#buckets[at] = c.hashNext;
        else previous.hashNext = c.hashNext;
        c.hashNext = undefined;
        this.count -= 1;
        return;
      }
      previous = other;
    }
  }

  /** Puts an entry with the same ends into the place of another. */
  replace(c: TableEntry, by: TableEntry): void {
    this.remove(c);
    by.hash = c.hash;
    this.#link(by);
    this.count += 1;
  }

  /** Returns the connection of a packet from `remotePort` to `localPort`. */
  find(packet: IpPacket, remotePort: number, localPort: number): TableEntry | undefined {
    const hash = this.#hash(packet.sourceC, packet.sourceD, remotePort, localPort);
    let c = this.#buckets[hash & (this.#buckets.length - 1)];
    while (c !== undefined && !isOf(c, packet, remotePort, localPort)) c = c.hashNext;
    return c;
  }

  /** Returns the connection with these ends; for what is not done for every packet. */
  findEnds(remote: Address, remotePort: number, local: Address, localPort: number): TableEntry | undefined {
    const hash = this.#hash(remote.c, remote.d, remotePort, localPort);
    let c = this.#buckets[hash & (this.#buckets.length - 1)];
    for (; c !== undefined; c = c.hashNext) {
      if (c.remotePort !== remotePort || c.localPort !== localPort) continue;
      if (c.remoteAddress.equals(remote) && c.localAddress.equals(local)) return c;
    }
    return undefined;
  }

  *[Symbol.iterator](): Generator<TableEntry> {
    for (const head of [...this.#buckets]) {
      for (let c = head; c !== undefined;) {
        const next: TableEntry | undefined = c.hashNext;
        yield c;
        c = next;
      }
    }
  }

  #hash(addressC: number, addressD: number, remotePort: number, localPort: number): number {
    let hash = this.#secret ^ Math.imul(addressD ^ Math.imul(addressC, 0x85ebca6b), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ ((remotePort << 16) | localPort), 0xc2b2ae35);
    return hash ^ (hash >>> 13);
  }

  #link(c: TableEntry): void {
    const at = c.hash & (this.#buckets.length - 1);
    c.hashNext = this.#buckets[at];
    this.#buckets[at] = c;
  }

  #grow(): void {
    const all = [...this];
    this.#buckets = new Array<TableEntry | undefined>(this.#buckets.length * 2).fill(undefined);
    for (const c of all) this.#link(c);
  }
}

function isOf(c: TableEntry, packet: IpPacket, remotePort: number, localPort: number): boolean {
  if (c.remotePort !== remotePort || c.localPort !== localPort) return false;
  const { remoteAddress: remote, localAddress: local } = c;
  if (remote.d !== packet.sourceD || local.d !== packet.destinationD) return false;
  if (remote.c !== packet.sourceC || local.c !== packet.destinationC) return false;
  if (remote.a !== packet.sourceA || local.a !== packet.destinationA) return false;
  return remote.b === packet.sourceB && local.b === packet.destinationB;
}
