/**
 * Reads the header of one connection as its bytes come. A header in one piece, as nearly all are, is read
 * where it lies; pieces are joined, up to the most bytes of a header.
 */
import type { PreambleAnswer, PreambleReader } from '../asynctcp/preamble.js';
import type { ProxyCounts } from './proxy-counts.js';
import { type HeaderOutcome, V1_MOST_BYTES, V2_FIXED_BYTES } from './proxy-header.js';
import { readV1 } from './proxy-v1.js';
import { readV2 } from './proxy-v2.js';

/** First byte of version 1, `P`. */
const V1_FIRST = 0x50;

const TEXTS = {
  late: 'the header was not complete in time',
  ended: 'the connection ended before its header',
  serverEnded: 'the server ended',
} as const;

/**
 * Reads the header at the beginning of `bytes`. The versions differ in their first byte.
 * @param maxBytes bytes above which a header of version 2 is refused.
 */
export function readHeader(bytes: Uint8Array, maxBytes: number): HeaderOutcome {
  return bytes[0] === V1_FIRST ? readV1(bytes) : readV2(bytes, maxBytes);
}

export class ProxyReader implements PreambleReader {
  readonly #counts: ProxyCounts;
  readonly #maxBytes: number;
  /** Address of the other side, for the refusal. */
  readonly #address: string;
  /** Bytes before the present piece; made when a header comes in pieces. */
  #kept: Uint8Array | undefined;
  #keptBytes = 0;

  constructor(counts: ProxyCounts, maxBytes: number, address: string) {
    this.#counts = counts;
    this.#maxBytes = maxBytes;
    this.#address = address;
  }

  read(piece: Uint8Array): PreambleAnswer {
    const before = this.#keptBytes;
    const bytes = before === 0 ? piece : this.#join(piece);
    const outcome = readHeader(bytes, this.#maxBytes);
    switch (outcome.kind) {
      case 'more':
        if (before === 0) this.#join(piece);
        return 'more';
      case 'refused':
        this.#counts.refused(this.#address, outcome.fault, outcome.text);
        return 'refuse';
      case 'complete': {
        this.#counts.passed();
        const { source, destination } = outcome.header;
        const isNamed = source !== undefined && destination !== undefined;
        return {
          bytes: outcome.bytes - before,
          ends: isNamed ? { local: destination, remote: source } : undefined,
          details: outcome.header,
        };
      }
    }
  }

  failed(reason: 'late' | 'ended' | 'serverEnded'): void {
    this.#counts.refused(this.#address, reason, TEXTS[reason]);
  }

  /** Appends as much of a piece as a header may have, and returns all that is kept. */
  #join(piece: Uint8Array): Uint8Array {
    const most = this.#maxBytes;
    const bytes = Math.min(piece.length, most - this.#keptBytes);
    const needed = this.#keptBytes + bytes;
    if (this.#kept === undefined || this.#kept.length < needed) {
      const larger = new Uint8Array(Math.min(most, Math.max(V1_MOST_BYTES, V2_FIXED_BYTES, 2 * needed)));
      if (this.#kept !== undefined) larger.set(this.#kept.subarray(0, this.#keptBytes));
      this.#kept = larger;
    }
    this.#kept.set(piece.subarray(0, bytes), this.#keptBytes);
    this.#keptBytes = needed;
    return this.#kept.subarray(0, needed);
  }
}
