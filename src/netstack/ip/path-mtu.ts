/**
 * MTUs of paths, as ICMP reports them (RFC 1191, RFC 8201). They only ever lower a path's MTU, never below
 * what every link has, and are forgotten after a while, so that a larger path is found again.
 */
import type { MonotonicClock } from '../../support/clock.js';
import { Timer, type Timers } from '../../support/timers.js';
import type { Address } from '../wire/address.js';

/** Destinations whose MTU is kept. */
export const MOST_PATH_MTUS = 1024;
/** Milliseconds until a path's MTU is forgotten (RFC 1191 §6.3). */
export const PATH_MTU_LIFE_MS = 600_000;
/**
 * Bytes below which ICMP is not believed. Linux has the same minimum for IPv4: a forged MTU of 68 would
 * cost the most packets and the most headers. IPv6's is that of every link (RFC 8200 §5).
 */
export const LEAST_MTU4 = 552;
export const LEAST_MTU6 = 1280;

/** Likely MTUs, for routers that tell none (RFC 1191 §7.1). */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

/** Returns the next lower MTU that some link has, for a packet of `bytes` that was too big. */
export function plateauBelow(bytes: number): number {
  return PLATEAUS.find((plateau) => plateau < bytes) ?? 68;
}

export interface PathMtu {
  readonly mtu: number;
  /** True: the path may have less than the least MTU, so that routers have to fragment. */
  readonly mayFragment: boolean;
  readonly untilMs: number;
}

export class PathMtus {
  readonly #clock: MonotonicClock;
  readonly #timers: Timers;
  readonly #changed: () => void;
  /** The oldest first: each change puts the entry at the end. */
  readonly #entries = new Map<string, PathMtu>();
  readonly #timer = new Timer({
    due: (nowMs) => {
      this.#expire(nowMs);
    },
  });

  /** @param changed called when the MTU of some path has changed. */
  constructor(clock: MonotonicClock, timers: Timers, changed: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#changed = changed;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(destination: Address): PathMtu | undefined {
    return this.#entries.size === 0 ? undefined : this.#entries.get(destination.toString());
  }

  /** Lowers the MTU to a destination. Returns false if it was as low already. */
  lower(destination: Address, told: number, present: number): boolean {
    const least = destination.family === 4 ? LEAST_MTU4 : LEAST_MTU6;
    const mtu = Math.max(told, least);
    const mayFragment = told < least && destination.family === 4;
    if (mtu > present || (mtu === present && !mayFragment)) return false;
    const key = destination.toString();
    if (this.#entries.get(key)?.mayFragment === true && mtu === present) return false;
    this.#entries.delete(key);
    if (this.#entries.size >= MOST_PATH_MTUS) this.#forgetOldest();
    this.#entries.set(key, { mtu, mayFragment, untilMs: this.#clock.nowMs() + PATH_MTU_LIFE_MS });
    this.#timers.armBy(this.#timer, this.#clock.nowMs() + PATH_MTU_LIFE_MS);
    this.#changed();
    return true;
  }

  #forgetOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }

  #expire(nowMs: number): void {
    for (const [key, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) {
        this.#timers.arm(this.#timer, untilMs);
        break;
      }
      this.#entries.delete(key);
    }
    this.#changed();
  }
}
