/**
 * The queue of a direction and the transmitter behind it: packets leave at a rate, or together at the slots
 * of a radio. Changes take effect with the next packet that leaves.
 */
import type { Frame } from '../netstack/frame.js';
import { CoDel } from './codel.js';
import { FrameRing } from './frame-ring.js';
import { nsOf, type DropReason, type Impairments } from './impairments.js';
import { EventSource, type Timeline } from './timeline.js';

/** Packets in the queue, unless the link has another number. */
export const DEFAULT_QUEUE_PACKETS = 1000;
const NS_PER_S = 1_000_000_000;
const BITS_PER_BYTE = 8;

export interface ShaperEnd {
  /** The packet's last bit has left at `atNs`. */
  leave(frame: Frame, atNs: number): void;
  drop(frame: Frame, reason: DropReason): void;
}

export class Shaper extends EventSource {
  readonly #timeline: Timeline;
  readonly #end: ShaperEnd;
  readonly #queue = new FrameRing();
  readonly #dropByCoDel: (frame: Frame) => void;
  #options: Impairments = {};
  #codel: CoDel | undefined;
  #slotNs = 0;
  /** Time at which the transmitter is free. */
  #freeNs = 0;
  /** Time of the last slot, and the packets that have left in it. */
  #lastSlotNs = -1;
  #sentInSlot = 0;

  constructor(hostId: number, timeline: Timeline, end: ShaperEnd) {
    super(hostId);
    this.#timeline = timeline;
    this.#end = end;
    this.#dropByCoDel = (frame) => {
      end.drop(frame, 'CoDel');
    };
  }

  configure(options: Impairments, mtu: number): void {
    this.#options = options;
    this.#slotNs = nsOf(options.slotMs ?? 0);
    const codel = options.queue?.codel ?? false;
    const wanted = codel === false ? undefined : new CoDel(codel === true ? {} : codel, mtu);
    // Other changes do not disturb its control law.
    if (wanted === undefined || this.#codel?.isLike(wanted) !== true) this.#codel = wanted;
  }

  /** True if packets have to pass: there is a rate or a slot, or packets wait from a time when there was. */
  get isNeeded(): boolean {
    return this.#options.bitsPerSecond !== undefined || this.#slotNs > 0 || this.#queue.size > 0;
  }

  /** Packets that wait. */
  get size(): number {
    return this.#queue.size;
  }

  push(frame: Frame): void {
    const { packets = DEFAULT_QUEUE_PACKETS, bytes = Number.POSITIVE_INFINITY } = this.#options.queue ?? {};
    const queue = this.#queue;
    const nowNs = this.#timeline.nowNs;
    const isFree = queue.size === 0 && this.#slotNs === 0 && this.#freeNs <= nowNs;
    if (!isFree && (queue.size >= packets || queue.bytes + frame.length > bytes)) {
      this.#end.drop(frame, 'queue full');
      return;
    }
    queue.push(frame, nowNs, 0);
    if (isFree) this.#send();
    else if (this.heapIndex < 0) this.#timeline.schedule(this, this.#nextNs(nowNs));
  }

  /** Removes and returns a packet, for a queue that is emptied. */
  shift(): Frame | undefined {
    return this.#queue.shift();
  }

  override occur(): void {
    this.#send();
  }

  /** Sends the packets that may leave now, and waits for the time of the next. */
  #send(): void {
    const most = this.#slotNs > 0 ? Math.min(this.#queue.size, this.#roomInSlot()) : 1;
    for (let count = 0; count < most; count += 1) {
      const frame = this.#next();
      if (frame === undefined) break;
      this.#sentInSlot += 1;
      this.#freeNs = Math.max(this.#freeNs, this.#timeline.nowNs) + this.#transmissionNs(frame);
      this.#end.leave(frame, this.#freeNs);
    }
    if (this.#queue.size > 0) this.#timeline.schedule(this, this.#nextNs(this.#timeline.nowNs + 1));
  }

  /** Returns the packets that may still leave in the slot of the present instant. */
  #roomInSlot(): number {
    const { nowNs } = this.#timeline;
    if (this.#lastSlotNs !== nowNs) this.#sentInSlot = 0;
    this.#lastSlotNs = nowNs;
    return (this.#options.slotPackets ?? Number.POSITIVE_INFINITY) - this.#sentInSlot;
  }

  #next(): Frame | undefined {
    const codel = this.#codel;
    if (codel === undefined) return this.#queue.shift();
    return codel.next(this.#queue, this.#timeline.nowNs, this.#dropByCoDel);
  }

  #transmissionNs(frame: Frame): number {
    const { bitsPerSecond, overheadBytes = 0 } = this.#options;
    if (bitsPerSecond === undefined) return 0;
    const bits = Math.max(0, frame.length + overheadBytes) * BITS_PER_BYTE;
    return Math.ceil((bits * NS_PER_S) / bitsPerSecond);
  }

  /** Returns the time from `fromNs` on at which packets may leave. */
  #nextNs(fromNs: number): number {
    if (this.#slotNs === 0) return this.#freeNs;
    return Math.ceil(Math.max(fromNs, this.#freeNs) / this.#slotNs) * this.#slotNs;
  }
}
