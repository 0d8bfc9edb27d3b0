/**
 * Initial sequence numbers (RFC 6528 §3): a clock of 4 µs and a keyed hash of the connection's four
 * numbers.
 */
import type { Address } from '../wire/address.js';

const TICKS_IN_MS = 250;

export class InitialSequence {
  readonly #keys: readonly [number, number, number, number];

  constructor(random: () => number) {
    const word = (): number => Math.floor(random() * 0x1_0000_0000) | 0;
    this.#keys = [word(), word(), word(), word()];
  }

  at(nowMs: number, local: Address, localPort: number, remote: Address, remotePort: number): number {
    return (Math.floor(nowMs * TICKS_IN_MS) + this.hash(local, localPort, remote, remotePort)) | 0;
  }

  /** Returns the keyed hash, 32 bits. */
  hash(local: Address, localPort: number, remote: Address, remotePort: number): number {
    const [first, second, third, fourth] = this.#keys;
    const hash = mixAddress(mix(mixAddress(first, local) ^ second), remote);
    return mix(mix(mix(hash ^ third) ^ ((localPort << 16) | remotePort)) ^ fourth);
  }
}

function mixAddress(hash: number, { a, b, c, d }: Address): number {
  return mix(mix(mix(mix(hash ^ a) ^ b) ^ c) ^ d);
}

/** The finaliser of MurmurHash3: each bit of the input changes half of the output's. */
function mix(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) + 0x27d4eb2f) | 0;
}
