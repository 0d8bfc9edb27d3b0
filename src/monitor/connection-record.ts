/** A connection as the monitor keeps it, and its samples. */
import type { FlowState, ObservedConnection } from '../asynctcp/observer.js';
import { stateName } from '../port/tcp-state.js';
import { waitingToBeRead, waitingToLeave, waitsForProgram, whySendingStalls } from './blockage.js';
import type { Blockage, ConnectionFigures } from './snapshot.js';
import { UnacknowledgedAge } from './unacknowledged-age.js';

/** The part of a record that never changes. */
export interface ConnectionOrigin {
  readonly id: number;
  readonly connection: ObservedConnection;
  /** Number of the listener that accepted it. */
  readonly listener: number | null;
  readonly nowMs: number;
}

export class ConnectionRecord {
  readonly id: number;
  readonly connection: ObservedConnection;
  readonly listener: number | null;
  readonly #openedMs: number;
  #state: FlowState | undefined;
  #sampledAtMs: number;
  #bytesIn: number;
  #bytesOut: number;
  #inPerS = 0;
  #outPerS = 0;
  readonly #age = new UnacknowledgedAge();
  // The last sample: bytes acknowledged, sent, received and withheld; true if data waited for the program.
  #acked = 0;
  #sent = 0;
  #heard = 0;
  #withheld = 0;
  #waited = false;
  /** Time of the last progress in each direction. */
  #leftAtMs: number;
  #readAtMs: number;
  /** Bytes that had come at `#leftAtMs`. */
  #heardThen = 0;
  #blocked: Blockage | undefined;
  #blockedSinceMs = 0;
  #retransmissions = 0;

  constructor({ id, connection, listener, nowMs }: ConnectionOrigin) {
    this.id = id;
    this.connection = connection;
    this.listener = listener;
    this.#openedMs = nowMs - connection.ageMs();
    this.#sampledAtMs = this.#leftAtMs = this.#readAtMs = nowMs;
    this.#bytesIn = connection.bytesIn;
    this.#bytesOut = connection.bytesOut;
  }

  get blocked(): Blockage | undefined {
    return this.#blocked;
  }

  get roundTripMs(): number | undefined {
    return this.#state?.path?.roundTripMs;
  }

  /** Unacknowledged bytes at the last sample. */
  get unacknowledged(): number {
    return this.#state?.unacknowledged ?? 0;
  }

  /** `address port` of the peer, for texts. */
  get peer(): string {
    const { address, port } = this.connection.ends().remote;
    return `${address} port ${port}`;
  }

  /** Takes a connection over that was there before the monitor: its retransmissions so far are not new. */
  takeOver(nowMs: number): void {
    this.#look(nowMs);
    this.#retransmissions = this.#state?.path?.retransmissions ?? 0;
  }

  /** Takes the sample of a second. Returns the segments that were sent again since the last one. */
  sample(nowMs: number, blockedAfterMs: number): number {
    const { bytesIn, bytesOut } = this.connection;
    const elapsedS = Math.max(1, nowMs - this.#sampledAtMs) / 1000;
    this.#inPerS = (bytesIn - this.#bytesIn) / elapsedS;
    this.#outPerS = (bytesOut - this.#bytesOut) / elapsedS;
    this.#sampledAtMs = nowMs;
    this.#bytesIn = bytesIn;
    this.#bytesOut = bytesOut;
    this.#look(nowMs);
    this.#judge(nowMs, blockedAfterMs);
    const before = this.#retransmissions;
    this.#retransmissions = this.#state?.path?.retransmissions ?? 0;
    return Math.max(0, this.#retransmissions - before);
  }

  #look(nowMs: number): void {
    const { bytesIn, bytesOut } = this.connection;
    const state = this.connection.flowState();
    this.#state = state;
    if (state === undefined) return;
    const acked = bytesOut - waitingToLeave(state);
    this.#age.sample(bytesOut, acked, nowMs);
    // Bytes that did not wait at the last sample have waited for less than a second.
    const wasIdle = this.#acked === this.#sent;
    if (wasIdle || acked === bytesOut || acked > this.#acked) {
      this.#leftAtMs = nowMs;
      this.#heardThen = bytesIn;
    }
    const waits = waitsForProgram(state);
    const hasMoved = bytesIn > this.#heard || state.withheld < this.#withheld;
    if (hasMoved || !waits || !this.#waited) this.#readAtMs = nowMs;
    this.#acked = acked;
    this.#sent = bytesOut;
    this.#heard = bytesIn;
    this.#withheld = state.withheld;
    this.#waited = waits;
  }

  #judge(nowMs: number, blockedAfterMs: number): void {
    const state = this.#state;
    const stalledMs = nowMs - this.#leftAtMs;
    this.#blocked = undefined;
    if (state === undefined) return;
    if (stalledMs >= blockedAfterMs) {
      const hasHeard = this.connection.bytesIn > this.#heardThen;
      this.#blocked = whySendingStalls(state, hasHeard, stalledMs);
      this.#blockedSinceMs = this.#leftAtMs;
    } else if (nowMs - this.#readAtMs >= blockedAfterMs) {
      this.#blocked = 'program does not read';
      this.#blockedSinceMs = this.#readAtMs;
    }
  }

  /** Bytes that wait in the direction that is blocked, for texts. */
  get waitingBytes(): number {
    const state = this.#state;
    if (state === undefined) return 0;
    if (this.#blocked === 'program does not read') return waitingToBeRead(state);
    return waitingToLeave(state);
  }

  figures(nowMs: number, wallOffsetMs: number): ConnectionFigures {
    // A connection that began after the last sample.
    if (this.#state === undefined) this.#look(nowMs);
    const { connection } = this;
    const { local, remote } = connection.ends();
    const state = this.#state;
    const blocked = this.#blocked ?? null;
    return {
      id: this.id,
      direction: connection.keeper?.isServer === true ? 'in' : 'out',
      listener: this.listener,
      stack: connection.stack.name,
      localAddress: local.address,
      localPort: local.port,
      remoteAddress: remote.address,
      remotePort: remote.port,
      state: stateName(connection.state()),
      openedAtMs: Math.round(this.#openedMs + wallOffsetMs),
      bytesIn: connection.bytesIn,
      bytesOut: connection.bytesOut,
      inPerS: Math.round(this.#inPerS),
      outPerS: Math.round(this.#outPerS),
      unacknowledged: state?.unacknowledged ?? 0,
      queued: state?.queued ?? 0,
      withheld: state === undefined ? 0 : waitingToBeRead(state),
      paused: state?.isPaused ?? false,
      oldestUnacknowledgedMs: Math.round(this.#age.ms(nowMs)),
      heardAgoMs: state?.heardAgoMs ?? null,
      peerWindow: state?.path?.peerWindow ?? null,
      roundTripMs: state?.path?.roundTripMs ?? null,
      retransmissions: state?.path?.retransmissions ?? null,
      blocked,
      blockedAtMs: blocked === null ? null : Math.round(this.#blockedSinceMs + wallOffsetMs),
    };
  }
}
