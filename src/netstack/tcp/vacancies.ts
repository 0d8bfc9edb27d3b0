/**
 * Room in the table of connections. A host of lwIP has few places, and older connections make room for a
 * new one (lwIP: `tcp_alloc`): what counts is an option of the profile, because lwIP's releases and ports
 * differ.
 */
import type { TcpProfile } from '../profile.js';
import { fail, remove } from './close.js';
import type { TcpConnection } from './connection.js';
import type { ConnectionTable } from './connection-table.js';
import { TcpState } from './state.js';

/** States of which a connection gives its place up, in this order, after TIME_WAIT. */
const KILLED = [TcpState.LAST_ACK, TcpState.CLOSING, TcpState.FIN_WAIT_2, TcpState.FIN_WAIT_1] as const;

/** Connections in TIME_WAIT: the oldest ends early for one more (Linux: tcp_max_tw_buckets). */
export const MOST_TIME_WAIT = 65_536;

export class Vacancies {
  readonly #profile: TcpProfile;
  readonly #table: ConnectionTable;
  readonly #listeners: () => number;
  /** Connections in TIME_WAIT, the oldest first. */
  readonly #timeWait = new Set<TcpConnection>();

  constructor(profile: TcpProfile, table: ConnectionTable, listeners: () => number) {
    this.#profile = profile;
    this.#table = table;
    this.#listeners = listeners;
  }

  get inTimeWait(): number {
    return this.#timeWait.size;
  }

  enteredTimeWait(c: TcpConnection): void {
    this.#timeWait.add(c);
    if (this.#timeWait.size > MOST_TIME_WAIT) this.#killOldestInTimeWait();
  }

  forget(c: TcpConnection): void {
    this.#timeWait.delete(c);
  }

  /** Returns true if there is a place for one more connection, also one that was just made. */
  makeRoom(): boolean {
    const { maxConnections, exhaustion } = this.#profile;
    if (maxConnections === undefined || exhaustion === 'heap') return true;
    return this.#used() < maxConnections || this.#killOne();
  }

  makeRoomForListener(): boolean {
    return this.#profile.exhaustion !== 'all' || this.makeRoom();
  }

  #used(): number {
    return this.#table.count + (this.#profile.exhaustion === 'all' ? this.#listeners() : 0);
  }

  #killOne(): boolean {
    if (this.#killOldestInTimeWait()) return true;
    for (const state of KILLED) {
      const silent = this.#mostSilent(state);
      if (silent === undefined) continue;
      fail(silent, 'noMemory');
      return true;
    }
    return false;
  }

  #killOldestInTimeWait(): boolean {
    for (const c of this.#timeWait) {
      remove(c);
      return true;
    }
    return false;
  }

  /** Returns the connection in a state of whose peer nothing came for the longest time (`tcp_kill_state`). */
  #mostSilent(state: TcpState): TcpConnection | undefined {
    let silent: TcpConnection | undefined;
    for (const c of this.#table) {
      if (c.state !== state) continue;
      if (silent === undefined || c.timers.heardAtMs < silent.timers.heardAtMs) silent = c;
    }
    return silent;
  }
}
