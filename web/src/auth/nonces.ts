/**
 * The nonces of digest authentication (RFC 7616 §5.4): each is good for a time, and each of its counts once.
 *
 * A nonce carries its time and a code that only this server can make, so that nothing is kept of those that
 * no client uses. A row is kept once a client has proved with the nonce that it knows a password.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Limits } from '../limits.js';
import { isSameSecret } from './secret.js';

const TIME_BYTES = 6;
const RANDOM_BYTES = 12;
const CODE_BYTES = 18;
const STAMP_BYTES = TIME_BYTES + RANDOM_BYTES;

/** Counts up to the highest that may still arrive: requests on several connections overtake one another. */
const WINDOW = 32;

interface Row {
  readonly timeMs: number;
  highest: number;
  /** Bit n is set if the count `highest - n` was used. */
  used: number;
}

export class Nonces {
  readonly opaque = randomBytes(CODE_BYTES).toString('base64url');
  readonly #secret = randomBytes(32);
  readonly #limits: Pick<Limits, 'nonces' | 'nonceMs'>;
  readonly #nowMs: () => number;
  /** The nonces in use, in the order of their first use. */
  readonly #rows = new Map<string, Row>();
  /** Nonces without a row that are not younger are refused: their row may have been dropped. */
  #droppedMs = -1;

  constructor(limits: Pick<Limits, 'nonces' | 'nonceMs'>, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Returns a new nonce. */
  make(): string {
    const stamp = Buffer.alloc(STAMP_BYTES);
    stamp.writeUIntBE(Math.floor(this.#nowMs()), 0, TIME_BYTES);
    randomBytes(RANDOM_BYTES).copy(stamp, TIME_BYTES);
    return Buffer.concat([stamp, this.#codeOf(stamp)]).toString('base64url');
  }

  /**
   * Uses a nonce of a client that has proved itself. Returns false if this server has not made it, if it is
   * too old, or if its count was used before.
   * @param count 1 to 2^32 - 1.
   */
  use(nonce: string, count: number): boolean {
    const timeMs = this.#timeOf(nonce);
    if (timeMs === undefined || timeMs + this.#limits.nonceMs < this.#nowMs()) return false;
    let row = this.#rows.get(nonce);
    if (row === undefined) {
      if (timeMs <= this.#droppedMs) return false;
      row = { timeMs, highest: 0, used: 0 };
      this.#rows.set(nonce, row);
      this.#drop();
    }
    return useCount(row, count);
  }

  /** Returns the time of a nonce; `undefined` if this server has not made it. */
  #timeOf(nonce: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== STAMP_BYTES + CODE_BYTES) return undefined;
    const stamp = bytes.subarray(0, STAMP_BYTES);
    // The text is compared: several texts stand for the same bytes.
    const own = Buffer.concat([stamp, this.#codeOf(stamp)]).toString('base64url');
    return isSameSecret(own, nonce) ? bytes.readUIntBE(0, TIME_BYTES) : undefined;
  }

  #codeOf(stamp: Uint8Array): Buffer {
    return createHmac('sha256', this.#secret).update(stamp).digest().subarray(0, CODE_BYTES);
  }

  /** Drops rows that are too old, and the oldest ones if there are too many. */
  #drop(): void {
    const before = this.#nowMs() - this.#limits.nonceMs;
    for (const [nonce, { timeMs }] of this.#rows) {
      const isTooMany = this.#rows.size > this.#limits.nonces;
      if (timeMs >= before && !isTooMany) return;
      if (timeMs >= before) this.#droppedMs = Math.max(this.#droppedMs, timeMs);
      this.#rows.delete(nonce);
    }
  }
}

function useCount(row: Row, count: number): boolean {
  if (count > row.highest) {
    const step = count - row.highest;
    row.used = step >= WINDOW ? 1 : (row.used << step) | 1;
    row.highest = count;
    return true;
  }
  const back = row.highest - count;
  if (back >= WINDOW || (row.used & (1 << back)) !== 0) return false;
  row.used |= 1 << back;
  return true;
}
