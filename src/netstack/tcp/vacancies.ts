/**
 * Room in the table of connections. A host of lwIP has few places, and older connections make room for a
 * new one (lwIP: `tcp_alloc`): what counts is an option of the profile, because lwIP's releases and ports
 * differ.
 */
import type { TcpProfile } from '../profile.js';
import { fail } from './close.js';
import { TcpConnection } from './connection.js';
import type { ConnectionTable } from './connection-table.js';
import { TcpState } from './state.js';
import type { TimeWaitQueue } from './time-wait-queue.js';

/** States of which a connection gives its place up, in this order, after TIME_WAIT. */
const KILLED = [TcpState.LAST_ACK, TcpState.CLOSING, TcpState.FIN_WAIT_2, TcpState.FIN_WAIT_1] as const;

export class Vacancies {
  readonly #profile: TcpProfile;
  readonly #table: ConnectionTable;
  readonly #listeners: () => number;
  readonly #timeWaits: TimeWaitQueue;

  constructor(
    profile: TcpProfile,
    table: ConnectionTable,
    timeWaits: TimeWaitQueue,
    listeners: () => number,
  ) {
    this.#profile = profile;
    this.#table = table;
    this.#timeWaits = timeWaits;
    this.#listeners = listeners;
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
    if (this.#timeWaits.endOldest()) return true;
    for (const state of KILLED) {
      const silent = this.#mostSilent(state);
      if (silent === undefined) continue;
      fail(silent, 'noMemory');
      return true;
    }
    return false;
  }

  /** Returns the connection in a state of whose peer nothing came for the longest time (`tcp_kill_state`). */
  #mostSilent(state: TcpState): TcpConnection | undefined {
    let silent: TcpConnection | undefined;
    for (const c of this.#table) {
      if (!(c instanceof TcpConnection) || c.state !== state) continue;
      if (silent === undefined || c.timers.heardAtMs < silent.timers.heardAtMs) silent = c;
    }
    return silent;
  }
}
