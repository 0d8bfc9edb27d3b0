/**
 * The connections of a host by their four numbers: a hash table that makes nothing for a lookup. Peers
 * choose their addresses and ports, IPv6 ones nearly all of 128 bits, but must not choose a bucket: the hash
 * adds the 16-bit words of both, each multiplied by a secret number (the multilinear hash of Carter and
 * Wegman, whose upper bits are as good as chance for any two keys).
 */
import { type Address, MAPPED_WORD } from '../wire/address.js';
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

const FIRST_BUCKETS_LOG = 6;
/** 16-bit words of an address and two ports. */
const KEY_WORDS = 10;
/** Connections for each bucket on average before the table grows. */
const LOAD = 1;

export class ConnectionTable {
  #buckets = emptyBuckets(FIRST_BUCKETS_LOG);
  /** Bits of a hash below those that choose the bucket. */
  #shift = 32 - FIRST_BUCKETS_LOG;
  readonly #secrets: Int32Array;
  count = 0;

  /** @param secret makes the buckets of chosen ports unforeseeable. */
  constructor(secret: number) {
    this.#secrets = Int32Array.from({ length: KEY_WORDS }, (_, index) => mix(secret + index * 0x9e37_79b9));
  }

  add(c: TableEntry): void {
    if (this.count >= this.#buckets.length * LOAD) this.#grow();
    c.hash = this.#hashOf(c.remoteAddress, c.remotePort, c.localPort);
    this.#link(c);
    this.count += 1;
  }

  remove(c: TableEntry): void {
    const at = c.hash >>> this.#shift;
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
    const { sourceA, sourceB, sourceC, sourceD } = packet;
    const hash = this.#hash(sourceA, sourceB, sourceC, sourceD, (remotePort << 16) | localPort);
    let c = this.#buckets[hash >>> this.#shift];
    while (c !== undefined && !isOf(c, packet, remotePort, localPort)) c = c.hashNext;
    return c;
  }

  /** Returns the connection with these ends; for what is not done for every packet. */
  findEnds(remote: Address, remotePort: number, local: Address, localPort: number): TableEntry | undefined {
    let c = this.#buckets[this.#hashOf(remote, remotePort, localPort) >>> this.#shift];
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

  #hashOf({ a, b, c, d }: Address, remotePort: number, localPort: number): number {
    return this.#hash(a, b, c, d, (remotePort << 16) | localPort);
  }

  #hash(a: number, b: number, c: number, d: number, ports: number): number {
    const hash = this.#product(d, 0) + this.#product(ports, 2);
    if (a === 0 && b === 0 && c === MAPPED_WORD) return hash | 0;
    return (hash + this.#product(a, 4) + this.#product(b, 6) + this.#product(c, 8)) | 0;
  }

  #product(word: number, at: number): number {
    const secrets = this.#secrets;
    return (Math.imul(word >>> 16, secrets[at] ?? 0) + Math.imul(word & 0xffff, secrets[at + 1] ?? 0)) | 0;
  }

  #link(c: TableEntry): void {
    const at = c.hash >>> this.#shift;
    c.hashNext = this.#buckets[at];
    this.#buckets[at] = c;
  }

  #grow(): void {
    const all = [...this];
    this.#shift -= 1;
    this.#buckets = emptyBuckets(32 - this.#shift);
    for (const c of all) this.#link(c);
  }
}

function emptyBuckets(log: number): (TableEntry | undefined)[] {
  return new Array<TableEntry | undefined>(2 ** log).fill(undefined);
}

/** The finaliser of MurmurHash3: each bit of the input changes half of the output's. */
function mix(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}

function isOf(c: TableEntry, packet: IpPacket, remotePort: number, localPort: number): boolean {
  if (c.remotePort !== remotePort || c.localPort !== localPort) return false;
  const { remoteAddress: remote, localAddress: local } = c;
  if (remote.d !== packet.sourceD || local.d !== packet.destinationD) return false;
  if (remote.c !== packet.sourceC || local.c !== packet.destinationC) return false;
  if (remote.a !== packet.sourceA || local.a !== packet.destinationA) return false;
  return remote.b === packet.sourceB && local.b === packet.destinationB;
}
