/**
 * The sockets of this thread: reads the native addon's event records and tells each to its owner, and
 * gathers the small sends of a callback, so that one crossing into the addon sends them all. It is open while
 * there are sockets: the last one takes its descriptors and memory with it.
 *
 * Call order of a wake-up: `#dispatch` → owners' events → the program's callback (→ `enqueue`*) → `flush`,
 * when the callback returns. Outside of a callback nothing is gathered: what is sent then leaves at once.
 */
import type { NativeAddon } from '../../addon/native-addon.js';
import {
  ARENA_BYTES,
  END_BYTES,
  EVENT_WORDS,
  EventKind,
  MAX_EVENTS,
  MAX_SENDS,
  SEND_WORDS,
  type NativeSockets,
} from '../../addon/native-sockets.js';
import { assert } from '../../support/assert.js';
import { gather, isInCallback, runTicks } from '../../support/callback-scope.js';
import { TimerWheel } from '../../support/timer-wheel.js';
import { setImmediate } from '../../support/immediate.js';
import { polledClock } from '../system/polled-clock.js';
import { marksHold, ReceivePages } from './receive-pages.js';

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
  socketData(place: number, bytes: number): void;
  socketEnded(): void;
  socketAcked(bytes: number): void;
  socketWritable(): void;
  socketStarved(): void;
  /** The kernel did not take this gathered piece, or not all of it. */
  sendFellShort(rest: Uint8Array, refusal: number): void;
  /** `sendFellShort` threw: the rest is lost. */
  sendBroke(error: unknown): void;
}

/** The owner of a listening socket. */
export interface ListenerOwner extends SocketOwner {
  socketAccepted(slot: number, ends: Ends): void;
  socketAcceptFailed(refusal: number, isStopped: boolean): void;
}

/** What the addon and JavaScript share, from the first socket to the last. */
interface Opened {
  readonly native: NativeSockets;
  readonly pages: ReceivePages;
  readonly events: Int32Array;
  readonly sends: Int32Array;
  readonly arena: Uint8Array;
  readonly ends: Buffer;
  readonly ports: Uint16Array;
}

export class SocketLoop {
  readonly #addon: NativeAddon;
  #opened: Opened | undefined;
  #queueSize: number | undefined;
  /**
   * When the kernel is asked again. The kernel lives in the machine's time, whatever clock the program's
   * timeouts go by.
   */
  readonly timers = new TimerWheel(polledClock);
  readonly #streams: (StreamOwner | undefined)[] = [];
  readonly #listeners = new Map<number, ListenerOwner>();
  /** The records of the last poll, and the next one to read; a record that threw was read. */
  #count = 0;
  #next = 0;
  #isDispatching = false;
  #sendCount = 0;
  #arenaUsed = 0;
  /** The socket of the piece that was gathered last. */
  #lastSlot = -1;
  #keeping = 0;
  #sockets = 0;
  readonly #leave = (): void => {
    this.flush();
  };
  #lastEnds: Ends = { localAddress: '', localPort: 0, remoteAddress: '', remotePort: 0 };

  constructor(addon: NativeAddon) {
    this.#addon = addon;
  }

  /** The addon's sockets, for as long as there are any. */
  get native(): NativeSockets {
    return this.#open().native;
  }

  /** The same, or why there is no descriptor or memory for it now. */
  tryOpen(): NativeSockets | Error {
    try {
      return this.native;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  get pages(): ReceivePages {
    return this.#open().pages;
  }

  /** Bounds the events that a turn of the thread's loop dispatches. */
  setQueueSize(events: number): void {
    this.#queueSize = events;
    this.#opened?.native.setQueueSize(events);
  }

  /** Sockets that are open. */
  get sockets(): number {
    return this.#sockets;
  }

  #open(): Opened {
    if (this.#opened !== undefined) return this.#opened;
    const native = this.#addon.openSockets((count) => this.#dispatch(count), !marksHold());
    if (this.#queueSize !== undefined) native.setQueueSize(this.#queueSize);
    const { events, sends, arena, ends } = native;
    this.#opened = {
      native,
      pages: new ReceivePages(native),
      events: new Int32Array(events),
      sends: new Int32Array(sends),
      arena: new Uint8Array(arena),
      ends: Buffer.from(ends),
      ports: new Uint16Array(ends),
    };
    return this.#opened;
  }

  /** Closes it again in the next turn unless there are sockets: what comes and goes leaves nothing behind. */
  endUnlessUsed(): void {
    setImmediate(() => {
      if (this.#sockets > 0 || this.#isDispatching) return;
      this.#opened?.native.end();
      this.#opened = undefined;
    });
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
    if (this.#sockets === 0) this.endUnlessUsed();
  }

  /** One more, or one fewer, that keeps the process alive. */
  keepProcess(on: boolean): void {
    this.#keeping += on ? 1 : -1;
    if (this.#keeping === (on ? 1 : 0)) this.native.keepProcess(on ? 1 : 0);
  }

  // ---- sending

  /**
   * Returns true if a piece of so many bytes is gathered now, having made room for it. A connection asks
   * before it gathers one, and hears before that what the kernel did not take: nothing may overtake it.
   */
  gathers(bytes: number): boolean {
    if (bytes > GATHERED_BYTES || !isInCallback()) return false;
    gather(this.#leave);
    const isFull = this.#sendCount === MAX_SENDS || this.#arenaUsed + bytes > ARENA_BYTES;
    if (isFull) this.flush();
    return true;
  }

  /**
   * Copies the first bytes of a small piece, to leave when the running callback returns. Pieces of one socket
   * that follow each other leave as one.
   */
  enqueue(slot: number, piece: Uint8Array, bytes: number): void {
    const { arena, sends } = this.#open();
    arena.set(bytes === piece.length ? piece : piece.subarray(0, bytes), this.#arenaUsed);
    if (this.#sendCount > 0 && this.#lastSlot === slot) {
      const last = (this.#sendCount - 1) * SEND_WORDS + 2;
      sends[last] = (sends[last] ?? 0) + bytes;
    } else {
      assert(this.#sendCount < MAX_SENDS, 'there is room for a piece');
      const at = this.#sendCount * SEND_WORDS;
      sends[at] = slot;
      sends[at + 1] = this.#arenaUsed;
      sends[at + 2] = bytes;
      this.#sendCount += 1;
      this.#lastSlot = slot;
    }
    this.#arenaUsed += bytes;
  }

  /** Sends what was gathered. */
  flush(): void {
    const count = this.#sendCount;
    if (count === 0) return;
    this.#sendCount = 0;
    this.#lastSlot = -1;
    try {
      const opened = this.#open();
      if (opened.native.flush(count) > 0) this.#tellShort(opened, count);
    } finally {
      this.#arenaUsed = 0;
    }
  }

  /** Each owner on its own: what one of them throws costs no other one its rest. */
  #tellShort({ sends, arena }: Opened, count: number): void {
    for (let at = 0; at < count * SEND_WORDS; at += SEND_WORDS) {
      const offset = sends[at + 1] ?? 0;
      const bytes = sends[at + 2] ?? 0;
      const result = sends[at + 3] ?? 0;
      if (result === bytes) continue;
      const owner = this.#streams[sends[at] ?? -1];
      const rest = arena.subarray(offset + Math.max(0, result), offset + bytes);
      try {
        owner?.sendFellShort(rest, Math.min(0, result));
      } catch (error) {
        owner?.sendBroke(error);
      }
    }
  }

  // ---- events

  /** As `Dispatch` says. A callback that runs the loop itself is told nothing meanwhile. */
  #dispatch(count: number): boolean {
    if (isInCallback()) return true;
    const { events, pages } = this.#open();
    if (count < 0) {
      pages.renew();
      return false;
    }
    if (count > 0) {
      this.#next = 0;
      this.#count = count;
    }
    this.#isDispatching = true;
    while (this.#next < this.#count) {
      const record = this.#next;
      this.#next += 1;
      this.#tell(events, record);
      runTicks();
    }
    this.#isDispatching = false;
    pages.turn();
    return false;
  }

  #tell(events: Int32Array, record: number): void {
    const at = record * EVENT_WORDS;
    const kind = events[at];
    const slot = events[at + 1] ?? -1;
    const first = events[at + 2] ?? 0;
    const second = events[at + 3] ?? 0;
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
    return this.#open().ports[at / Uint16Array.BYTES_PER_ELEMENT] ?? 0;
  }

  #addressAt(at: number, last: string): string {
    const { ends } = this.#open();
    const text = ends.toString('latin1', at + 2, ends.indexOf(0, at + 2));
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
