/**
 * The sockets of this thread: reads the native addon's event records and tells each to its owner, and
 * gathers small sends, so that one crossing into the addon sends for many connections.
 *
 * Call order of a wake-up: `#dispatch` → owners' events (→ `enqueue`*) → `flush`. Outside of it `enqueue`
 * takes nothing: what is sent then leaves at once.
 */
import type { NativeAddon } from '../../addon/native-addon.js';
import {
  END_BYTES,
  EVENT_WORDS,
  EventKind,
  MAX_EVENTS,
  MAX_SENDS,
  SEND_WORDS,
  type NativeSockets,
} from '../../addon/native-sockets.js';
import { assert } from '../../support/assert.js';
import { TimerWheel } from '../../support/timer-wheel.js';
import { polledClock } from '../system/polled-clock.js';
import { ReceivePool } from './receive-pool.js';

/** Larger pieces are sent from where they lie. */
export const GATHERED_BYTES = 2048;

/** Both ends of a connection. */
export interface Ends {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Hears what happens to a socket. */
interface SocketOwner {
  socketFailed(refusal: number): void;
  /** An event could not be told to its end: an invariant of ours is broken. */
  socketBroke(error: unknown): void;
}

/** The owner of a connection's socket; a method for each kind of event that it can have. */
export interface StreamOwner extends SocketOwner {
  socketConnected(ends: Ends): void;
  socketData(offset: number, bytes: number): void;
  socketEnded(): void;
  socketAcked(bytes: number): void;
  socketWritable(): void;
  socketStarved(): void;
  /** The kernel did not take this gathered piece, or not all of it. */
  sendFellShort(rest: Uint8Array, refusal: number): void;
}

/** The owner of a listening socket. */
export interface ListenerOwner extends SocketOwner {
  socketAccepted(slot: number, ends: Ends): void;
  socketAcceptFailed(refusal: number, isStopped: boolean): void;
}

export class SocketLoop {
  readonly native: NativeSockets;
  readonly pool: ReceivePool;
  /**
   * When the kernel is asked again. The kernel lives in the machine's time, whatever clock the program's
   * timeouts go by.
   */
  readonly timers = new TimerWheel(polledClock);
  readonly #streams: (StreamOwner | undefined)[] = [];
  readonly #listeners = new Map<number, ListenerOwner>();
  readonly #events: Int32Array;
  readonly #sends: Int32Array;
  readonly #arena: Uint8Array;
  readonly #ends: Buffer;
  readonly #ports: Uint16Array;
  /** The records of the last poll, and the next one to read; a record that threw was read. */
  #count = 0;
  #next = 0;
  #isDispatching = false;
  #sendCount = 0;
  #arenaUsed = 0;
  /** Counts the flushes: what was gathered under the present number is still on its way. */
  #flushes = 0;
  #keeping = 0;
  #sockets = 0;
  #lastEnds: Ends = { localAddress: '', localPort: 0, remoteAddress: '', remotePort: 0 };

  constructor(addon: NativeAddon) {
    this.native = addon.openSockets((count) => {
      this.#dispatch(count);
    });
    const { events, sends, arena, ends } = this.native;
    this.#events = new Int32Array(events);
    this.#sends = new Int32Array(sends);
    this.#arena = new Uint8Array(arena);
    this.#ends = Buffer.from(ends);
    this.#ports = new Uint16Array(ends);
    this.pool = new ReceivePool(this.native);
  }

  /** Sockets that are open. */
  get sockets(): number {
    return this.#sockets;
  }

  adopt(slot: number, owner: StreamOwner): void {
    this.#sockets += 1;
    this.#streams[slot] = owner;
  }

  adoptListener(slot: number, owner: ListenerOwner): void {
    this.#sockets += 1;
    this.#listeners.set(slot, owner);
  }

  /** From now on no event of the slot is told. Whoever calls it closes the socket. */
  release(slot: number): void {
    const wasOurs = this.#listeners.delete(slot) || this.#streams[slot] !== undefined;
    assert(wasOurs, 'a socket is released once');
    this.#sockets -= 1;
    this.#streams[slot] = undefined;
  }

  /** One more, or one fewer, that keeps the process alive. */
  keepProcess(on: boolean): void {
    this.#keeping += on ? 1 : -1;
    if (this.#keeping === (on ? 1 : 0)) this.native.keepProcess(on ? 1 : 0);
  }

  // ---- sending

  /** The number under which a piece is gathered now; it changes with the flush. */
  get flushes(): number {
    return this.#flushes;
  }

  /**
   * Flushes if a piece could not be gathered for want of room. Whoever is about to gather one asks for it
   * first, and hears before that what the kernel did not take: nothing may overtake it.
   */
  makeRoom(bytes: number): void {
    const isFull = this.#sendCount === MAX_SENDS || this.#arenaUsed + bytes > this.#arena.length;
    if (isFull && bytes <= GATHERED_BYTES) this.flush();
  }

  /** Copies the first bytes of a small piece, to leave at the end of this wake-up; or answers false. */
  enqueue(slot: number, piece: Uint8Array, bytes: number): boolean {
    if (!this.#isDispatching || bytes > GATHERED_BYTES) return false;
    assert(this.#sendCount < MAX_SENDS, 'there is room for a piece');
    this.#arena.set(bytes === piece.length ? piece : piece.subarray(0, bytes), this.#arenaUsed);
    const at = this.#sendCount * SEND_WORDS;
    this.#sends[at] = slot;
    this.#sends[at + 1] = this.#arenaUsed;
    this.#sends[at + 2] = bytes;
    this.#sendCount += 1;
    this.#arenaUsed += bytes;
    return true;
  }

  /** Sends what was gathered. */
  flush(): void {
    const count = this.#sendCount;
    if (count === 0) return;
    this.#flushes += 1;
    this.#sendCount = 0;
    const troubled = this.native.flush(count);
    if (troubled > 0) this.#tellShort(count);
    this.#arenaUsed = 0;
  }

  #tellShort(count: number): void {
    for (let at = 0; at < count * SEND_WORDS; at += SEND_WORDS) {
      const offset = this.#sends[at + 1] ?? 0;
      const bytes = this.#sends[at + 2] ?? 0;
      const result = this.#sends[at + 3] ?? 0;
      if (result === bytes) continue;
      const owner = this.#streams[this.#sends[at] ?? -1];
      owner?.sendFellShort(
        this.#arena.subarray(offset + Math.max(0, result), offset + bytes),
        Math.min(0, result),
      );
    }
  }

  // ---- events

  /** @param count of a new poll's records; 0: those of the last one that are left. */
  #dispatch(count: number): void {
    if (count > 0) {
      this.#next = 0;
      this.#count = count;
    }
    this.#isDispatching = true;
    while (this.#next < this.#count) {
      const record = this.#next;
      this.#next += 1;
      this.#tell(record);
    }
    this.#isDispatching = false;
    this.flush();
    this.pool.turnPage();
  }

  #tell(record: number): void {
    const at = record * EVENT_WORDS;
    const kind = this.#events[at];
    const slot = this.#events[at + 1] ?? -1;
    const first = this.#events[at + 2] ?? 0;
    const second = this.#events[at + 3] ?? 0;
    const owner = this.#streams[slot];
    if (owner === undefined) {
      this.#tellListener(kind, slot, record, first, second);
      return;
    }
    try {
      this.#tellStream(owner, kind, record, first, second);
    } catch (error) {
      owner.socketBroke(error);
      throw error;
    }
  }

  #tellStream(
    owner: StreamOwner,
    kind: number | undefined,
    record: number,
    first: number,
    second: number,
  ): void {
    if (kind === EventKind.DATA) owner.socketData(first, second);
    else if (kind === EventKind.ACKED) owner.socketAcked(first);
    else if (kind === EventKind.CONNECTED) owner.socketConnected(this.#endsOf(record));
    else if (kind === EventKind.END) owner.socketEnded();
    else if (kind === EventKind.WRITABLE) owner.socketWritable();
    else if (kind === EventKind.STARVED) owner.socketStarved();
    else owner.socketFailed(first);
  }

  #tellListener(kind: number | undefined, slot: number, record: number, first: number, second: number): void {
    const owner = this.#listeners.get(slot);
    // The one event that brings a socket: nobody must forget it, even if its listener was closed.
    if (owner === undefined) {
      if (kind === EventKind.ACCEPTED) this.native.reset(first);
      return;
    }
    try {
      if (kind === EventKind.ACCEPTED) owner.socketAccepted(first, this.#endsOf(record));
      else if (kind === EventKind.ACCEPT_FAILED) owner.socketAcceptFailed(first, second !== 0);
      else owner.socketFailed(first);
    } catch (error) {
      owner.socketBroke(error);
      throw error;
    }
  }

  /** An address that is that of the last event is the same string: many connections, one text. */
  #endsOf(record: number): Ends {
    const at = record * 2 * END_BYTES;
    const last = this.#lastEnds;
    this.#lastEnds = {
      localAddress: this.#addressAt(at, last.localAddress),
      localPort: this.#portAt(at),
      remoteAddress: this.#addressAt(at + END_BYTES, last.remoteAddress),
      remotePort: this.#portAt(at + END_BYTES),
    };
    return this.#lastEnds;
  }

  #portAt(at: number): number {
    return this.#ports[at / Uint16Array.BYTES_PER_ELEMENT] ?? 0;
  }

  #addressAt(at: number, last: string): string {
    const text = this.#ends.toString('latin1', at + 2, this.#ends.indexOf(0, at + 2));
    return text === last ? last : text;
  }

  /** This side's address of a listener. */
  localEnd(slot: number): { readonly address: string; readonly port: number } | number {
    const result = this.native.localEnd(slot);
    if (result < 0) return result;
    const at = MAX_EVENTS * 2 * END_BYTES;
    return { address: this.#addressAt(at, ''), port: this.#portAt(at) };
  }
}

const loops = new WeakMap<NativeAddon, SocketLoop>();

/** The loop of this thread, opened at the first use. */
export function loopOf(addon: NativeAddon): SocketLoop {
  let loop = loops.get(addon);
  if (loop === undefined) {
    loop = new SocketLoop(addon);
    loops.set(addon, loop);
  }
  return loop;
}
