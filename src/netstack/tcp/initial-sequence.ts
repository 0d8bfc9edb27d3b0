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
    const [k0, k1, k2, k3] = this.#keys;
    let hash = k0;
    for (const word of [local.a, local.b, local.c, local.d, k1, remote.a, remote.b, remote.c, remote.d, k2]) {
      hash = mix(hash ^ word);
    }
    return mix(mix(hash ^ ((localPort << 16) | remotePort)) ^ k3);
  }
}

/** The finaliser of MurmurHash3: each bit of the input changes half of the output's. */
function mix(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) + 0x27d4eb2f;
}
