/**
 * The sockets of this thread. The loop reads the native addon's event records and passes each to the socket's
 * owner, and gathers the small sends of a callback, so that one crossing into the addon sends them all. The
 * loop is open while there are sockets: with the last one it closes its descriptors and frees its memory.
 *
 * Call order of a wake-up: `#dispatch` → owners' events → the program's callback (→ `enqueue`*) → `flush`,
 * when the callback returns. Outside of a callback nothing is gathered: bytes leave at once. The bytes of
 * connections that gather in turns wait until all events were dispatched: then many peers are woken at once,
 * which costs the kernel less than to wake them one by one.
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
import type { Endpoint } from '../../port/tcp-stack.js';
import { assert } from '../../support/assert.js';
import { beginTurn, flushGathered, gather, isInCallback, runTicks } from '../../support/callback-scope.js';
import { systemClock } from '../../support/clock.js';
import { TimerWheel } from '../../support/timer-wheel.js';
import { setImmediate } from '../../support/immediate.js';
import { polledClock } from '../system/polled-clock.js';
import { marksHold, ReceivePages } from './receive-pages.js';

/** Events of a turn that the runtime's immediates and timers wait for at most. */
const SHARED_TURN_EVENTS = 64;

/** Time for which bytes of a turn wait for the rest of its events, in milliseconds. */
const TURN_MS = 0.25;

/** Largest piece that is gathered, in bytes. Larger ones are sent from their own memory. */
export const GATHERED_BYTES = 2048;

/** Offsets of a record's words: `struct event` and `struct send` in native/sockets.h. */
const EVENT_KIND = 0;
const EVENT_SLOT = 1;
const EVENT_FIRST = 2;
const EVENT_SECOND = 3;
const SEND_SLOT = 0;
const SEND_OFFSET = 1;
const SEND_BYTES = 2;
const SEND_RESULT = 3;

/** Each record has two ends, and each end begins with the port. */
const ENDS_BYTES = 2 * END_BYTES;
const PORT_BYTES = Uint16Array.BYTES_PER_ELEMENT;

/** Both ends of a connection. */
export interface SocketEnds {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/** Owner of a socket, which gets its events. */
interface SocketOwner {
  /** The stack whose socket it is. */
  readonly context: object;
  /** Returns the number of `TcpStack.holdings` in which the socket counts. */
  holding(): 'attempts' | 'connections' | 'listeners' | 'lingering';
  /** Returns true if a timer of the loop is armed for the socket. */
  hasTimer?(): boolean;
  /** Frees the socket, a connection's with a reset, and reports no event. */
  reset(): void;
  onSocketFailed(refusal: number): void;
  /** The handling of an event threw: an invariant of ours is broken. */
  onSocketBroke(error: unknown): void;
}

/** The owner of a socket between `connect` and its outcome. */
export interface AttemptOwner extends SocketOwner {
  onSocketConnected(ends: SocketEnds): void;
}

/** The owner of a connection's socket. A lingering socket has the required methods only. */
export interface StreamOwner extends SocketOwner {
  onSocketData?(place: number, bytes: number): void;
  onSocketEnd(): void;
  onSocketAcked?(bytes: number): void;
  onSocketWritable?(): void;
  onSocketStarved?(): void;
  /** The kernel took a gathered piece in part, or not at all; `rest` is the part that it did not take. */
  onSendShort?(rest: Uint8Array, refusal: number): void;
  /** `onSendShort` threw: the rest is lost. */
  onSendBroke?(error: unknown): void;
}

/** The owner of a listening socket. */
export interface ListenerOwner extends SocketOwner {
  onSocketAccepted(slot: number, ends: SocketEnds): void;
  onSocketAcceptFailed(refusal: number, isStopped: boolean): void;
}

/** State that the addon and JavaScript share, from the first socket to the last. */
interface Opened {
  readonly native: NativeSockets;
  readonly pages: ReceivePages;
  readonly events: Int32Array;
  readonly sends: Int32Array;
  readonly arena: Uint8Array;
  readonly ends: Buffer;
  readonly ports: Uint16Array;
  readonly path: Int32Array;
}

export class SocketLoop {
  readonly #addon: NativeAddon;
  #opened: Opened | undefined;
  #queueSize: number | undefined;
  /**
   * Timers of the checks of the kernel. They go by the machine's time, also if the program's timeouts go by
   * another clock.
   */
  readonly timers = new TimerWheel(polledClock);
  readonly #streams: (StreamOwner | undefined)[] = [];
  readonly #attempts = new Map<number, AttemptOwner>();
  readonly #listeners = new Map<number, ListenerOwner>();
  /**
   * Number of records of the last poll, and the next one to read. A record whose owner threw counts as read.
   */
  #count = 0;
  #next = 0;
  #isDispatching = false;
  #sendCount = 0;
  #arenaUsed = 0;
  /** Time at which the bytes that wait for the end of the turn have waited long enough. */
  #turnEndsAtMs = 0;
  /** The socket of the piece that was gathered last. */
  #lastSlot = -1;
  #keeping = 0;
  #sockets = 0;
  readonly #flushGathered = (): void => {
    this.flush();
  };
  #lastLocal: Endpoint = { address: '', port: 0 };
  #lastRemote: Endpoint = { address: '', port: 0 };

  constructor(addon: NativeAddon) {
    this.#addon = addon;
  }

  /** The addon's sockets. Opens them if they are closed. */
  get native(): NativeSockets {
    return this.#open().native;
  }

  /** Returns the addon's sockets, or the error if there is no descriptor or memory. */
  tryOpen(): NativeSockets | Error {
    try {
      return this.native;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Returns the words of `pathFigures`, valid until the next call; `undefined` without a socket. */
  path(slot: number): Int32Array | undefined {
    const { native, path } = this.#open();
    return native.path(slot) < 0 ? undefined : path;
  }

  get pages(): ReceivePages {
    return this.#open().pages;
  }

  /** Bounds the events that a turn of the thread's loop dispatches. */
  setQueueSize(events: number): void {
    this.#queueSize = events;
    this.#opened?.native.setQueueSize(events);
  }

  /**
   * Bounds the events of a turn, unless the program has: a program that was written for node:net relies on
   * immediates and timers, which run between two turns.
   */
  shareTurns(): void {
    if (this.#queueSize === undefined) this.setQueueSize(SHARED_TURN_EVENTS);
  }

  /** Number of open sockets. */
  get sockets(): number {
    return this.#sockets;
  }

  #open(): Opened {
    if (this.#opened !== undefined) return this.#opened;
    const native = this.#addon.openSockets((count) => this.#dispatch(count), !marksHold());
    if (this.#queueSize !== undefined) native.setQueueSize(this.#queueSize);
    const { events, sends, arena, ends, pathFigures } = native;
    this.#opened = {
      native,
      pages: new ReceivePages(native),
      events: new Int32Array(events),
      sends: new Int32Array(sends),
      arena: new Uint8Array(arena),
      ends: Buffer.from(ends),
      ports: new Uint16Array(ends),
      path: new Int32Array(pathFigures),
    };
    return this.#opened;
  }

  /** Closes the loop in the next turn unless there are sockets then. */
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

  adoptAttempt(slot: number, owner: AttemptOwner): void {
    this.#sockets += 1;
    this.#attempts.set(slot, owner);
  }

  adoptListener(slot: number, owner: ListenerOwner): void {
    this.#sockets += 1;
    this.#listeners.set(slot, owner);
  }

  /** Stops passing on the slot's events. The caller closes the socket. */
  release(slot: number): void {
    const wasStream = this.#streams[slot] !== undefined;
    this.#streams[slot] = undefined;
    const wasOurs = wasStream || this.#attempts.delete(slot) || this.#listeners.delete(slot);
    assert(wasOurs, 'a socket is released once');
    this.#sockets -= 1;
    if (this.#sockets === 0) this.endUnlessUsed();
  }

  /** Returns the owners of the sockets of one stack. */
  ownersOf(context: object): SocketOwner[] {
    const streams = this.#streams.filter((owner) => owner !== undefined);
    const owners = [...streams, ...this.#attempts.values(), ...this.#listeners.values()];
    return owners.filter((owner) => owner.context === context);
  }

  /** Counts one more socket, or one fewer, that keeps the process alive. */
  keepProcess(on: boolean): void {
    this.#keeping += on ? 1 : -1;
    if (this.#keeping === (on ? 1 : 0)) this.native.keepProcess(on ? 1 : 0);
  }

  // ---- sending

  /**
   * Makes room for a piece, and returns true if `enqueue` may take it now. A full buffer is flushed. A flush
   * returns the rests that the kernel did not take to their owners, so that later bytes cannot overtake them.
   * @param inTurn true if the piece may wait until the events of the present turn were dispatched.
   */
  makeRoomFor(bytes: number, inTurn = false): boolean {
    const ofTurn = inTurn && this.#isDispatching;
    if (bytes > GATHERED_BYTES || !(ofTurn || isInCallback())) return false;
    gather(this.#flushGathered, ofTurn);
    if (ofTurn && this.#sendCount === 0) this.#turnEndsAtMs = systemClock.nowMs() + TURN_MS;
    const isFull = this.#sendCount === MAX_SENDS || this.#arenaUsed + bytes > ARENA_BYTES;
    if (isFull) this.flush();
    return true;
  }

  /**
   * Copies the first `bytes` of a small piece, which leave when the running callback returns. Adjacent pieces
   * of one socket leave as one.
   */
  enqueue(slot: number, piece: Uint8Array, bytes: number): void {
    const { arena, sends } = this.#open();
    arena.set(bytes === piece.length ? piece : piece.subarray(0, bytes), this.#arenaUsed);
    if (this.#sendCount > 0 && this.#lastSlot === slot) {
      const last = (this.#sendCount - 1) * SEND_WORDS + SEND_BYTES;
      sends[last] = (sends[last] ?? 0) + bytes;
    } else {
      assert(this.#sendCount < MAX_SENDS, 'there is room for a piece');
      const at = this.#sendCount * SEND_WORDS;
      sends[at + SEND_SLOT] = slot;
      sends[at + SEND_OFFSET] = this.#arenaUsed;
      sends[at + SEND_BYTES] = bytes;
      this.#sendCount += 1;
      this.#lastSlot = slot;
    }
    this.#arenaUsed += bytes;
  }

  /** Sends the gathered pieces. */
  flush(): void {
    const count = this.#sendCount;
    if (count === 0) return;
    this.#sendCount = 0;
    this.#lastSlot = -1;
    try {
      const opened = this.#open();
      if (opened.native.flush(count) > 0) this.#reportShort(opened, count);
    } finally {
      this.#arenaUsed = 0;
    }
  }

  /** Returns each rest to its owner. An exception of one owner does not reach the others. */
  #reportShort({ sends, arena }: Opened, count: number): void {
    for (let at = 0; at < count * SEND_WORDS; at += SEND_WORDS) {
      const offset = sends[at + SEND_OFFSET] ?? 0;
      const bytes = sends[at + SEND_BYTES] ?? 0;
      const result = sends[at + SEND_RESULT] ?? 0;
      if (result === bytes) continue;
      const owner = this.#streams[sends[at + SEND_SLOT] ?? -1];
      const rest = arena.subarray(offset + Math.max(0, result), offset + bytes);
      try {
        owner?.onSendShort?.(rest, Math.min(0, result));
      } catch (error) {
        owner?.onSendBroke?.(error);
      }
    }
  }

  // ---- events

  /**
   * Handles the records of one poll (`Dispatch` in native-sockets.ts). Refuses them while a callback runs the
   * runtime's loop itself.
   */
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
    beginTurn();
    try {
      while (this.#next < this.#count) {
        const record = this.#next;
        this.#next += 1;
        this.#pass(events, record);
        runTicks();
        if (this.#sendCount > 0 && systemClock.nowMs() > this.#turnEndsAtMs) flushGathered();
      }
    } finally {
      this.#isDispatching = false;
      flushGathered();
    }
    pages.endDispatch();
    return false;
  }

  /** Passes an event on to the owner of its socket. */
  #pass(events: Int32Array, record: number): void {
    const at = record * EVENT_WORDS;
    const kind = events[at + EVENT_KIND];
    const slot = events[at + EVENT_SLOT] ?? -1;
    const first = events[at + EVENT_FIRST] ?? 0;
    const second = events[at + EVENT_SECOND] ?? 0;
    const stream = this.#streams[slot];
    const owner = stream ?? this.#attempts.get(slot) ?? this.#listeners.get(slot);
    if (owner === undefined) {
      // Only ACCEPTED brings a socket. Its listener was closed in the meantime.
      if (kind === EventKind.ACCEPTED) this.native.reset(first);
      return;
    }
    try {
      if (stream !== undefined) passToStream(stream, kind, first, second);
      else this.#passToOther(slot, kind, record, first, second);
    } catch (error) {
      owner.onSocketBroke(error);
      throw error;
    }
  }

  #passToOther(slot: number, kind: number | undefined, record: number, first: number, second: number): void {
    const attempt = this.#attempts.get(slot);
    if (attempt !== undefined) {
      if (kind === EventKind.CONNECTED) attempt.onSocketConnected(this.#endsOf(record));
      else attempt.onSocketFailed(first);
      return;
    }
    const listener = this.#listeners.get(slot);
    if (kind === EventKind.ACCEPTED) listener?.onSocketAccepted(first, this.#endsOf(record));
    else if (kind === EventKind.ACCEPT_FAILED) listener?.onSocketAcceptFailed(first, second !== 0);
    else listener?.onSocketFailed(first);
  }

  /** Returns both ends. Equal ends of consecutive events share one object. */
  #endsOf(record: number): SocketEnds {
    const at = record * ENDS_BYTES;
    this.#lastLocal = this.#endpointAt(at, this.#lastLocal);
    this.#lastRemote = this.#endpointAt(at + END_BYTES, this.#lastRemote);
    return { local: this.#lastLocal, remote: this.#lastRemote };
  }

  #endpointAt(at: number, last: Endpoint): Endpoint {
    const { ends, ports } = this.#open();
    const port = ports[at / PORT_BYTES] ?? 0;
    const text = ends.toString('latin1', at + PORT_BYTES, ends.indexOf(0, at + PORT_BYTES));
    const address = text === last.address ? last.address : text;
    return address === last.address && port === last.port ? last : { address, port };
  }

  /** Returns this side's end of a listener, or a refusal. */
  localEnd(slot: number): Endpoint | number {
    const result = this.native.localEnd(slot);
    return result < 0 ? result : this.#endpointAt(MAX_EVENTS * ENDS_BYTES, this.#lastLocal);
  }
}

function passToStream(owner: StreamOwner, kind: number | undefined, first: number, second: number): void {
  if (kind === EventKind.DATA) owner.onSocketData?.(first, second);
  else if (kind === EventKind.ACKED) owner.onSocketAcked?.(first);
  else if (kind === EventKind.END) owner.onSocketEnd();
  else if (kind === EventKind.WRITABLE) owner.onSocketWritable?.();
  else if (kind === EventKind.STARVED) owner.onSocketStarved?.();
  else owner.onSocketFailed(first);
}

const loops = new WeakMap<NativeAddon, SocketLoop>();

/** Returns the loop of this thread, opened at the first use. */
export function loopOf(addon: NativeAddon): SocketLoop {
  let loop = loops.get(addon);
  if (loop === undefined) {
    loop = new SocketLoop(addon);
    loops.set(addon, loop);
  }
  return loop;
}
