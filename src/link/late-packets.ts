/** Packets of a direction that a rule has made late: they travel outside of the lanes, each on its own. */
import type { Frame } from '../netstack/frame.js';
import type { LaneEnd } from './lane.js';
import { EventSource, type Timeline } from './timeline.js';

/** Late packets of one direction at once. */
export const MOST_LATE_PACKETS = 65_536;

export class LatePackets {
  readonly #hostId: number;
  readonly #timeline: Timeline;
  readonly #end: LaneEnd;
  readonly #packets = new Set<LatePacket>();

  constructor(hostId: number, timeline: Timeline, end: LaneEnd) {
    this.#hostId = hostId;
    this.#timeline = timeline;
    this.#end = end;
  }

  /** Number of packets on the way. */
  get size(): number {
    return this.#packets.size;
  }

  get isFull(): boolean {
    return this.size >= MOST_LATE_PACKETS;
  }

  /** Adds a packet that arrives at `atNs`. */
  push(frame: Frame, atNs: number): void {
    const packet = new LatePacket(this.#hostId, frame, this);
    this.#packets.add(packet);
    this.#timeline.schedule(packet, atNs);
  }

  /** Removes and returns the packet that was added first, for a direction that is emptied. */
  shift(): Frame | undefined {
    for (const packet of this.#packets) {
      this.#packets.delete(packet);
      this.#timeline.cancel(packet);
      return packet.frame;
    }
    return undefined;
  }

  /** A packet's time has come. Only the packet calls it. */
  arrive(packet: LatePacket): void {
    if (this.#packets.delete(packet)) this.#end.arrive(packet.frame);
  }
}

class LatePacket extends EventSource {
  readonly frame: Frame;
  readonly #owner: LatePackets;

  constructor(hostId: number, frame: Frame, owner: LatePackets) {
    super(hostId);
    this.frame = frame;
    this.#owner = owner;
  }

  override occur(): void {
    this.#owner.arrive(this);
  }
}
