/** The neighbours of a direction: its ends, and what sees or changes its packets on their way. */
import type { Frame } from '../netstack/frame.js';
import type { Direction } from './direction.js';
import type { DropReason } from './impairments.js';
import type { PacketView } from './packet-view.js';

/** Receives the packets of a direction, and owns them. */
export interface Port {
  receive(frame: Frame): void;
}

/** Sees the packets of links, and changes nothing. The packet's bytes are valid during the call. */
export interface LinkTap {
  /** A packet was sent into the direction. */
  sent(direction: Direction, frame: Frame): void;
  /** A packet is about to be received. */
  arrived(direction: Direction, frame: Frame): void;
  dropped(direction: Direction, frame: Frame, reason: DropReason): void;
}

/** Changes packets on their way, as NAT does. */
export interface Middlebox {
  /** Changes a packet in place. Returns what happens to it. */
  pass(packet: PacketView, direction: Direction): 'pass' | 'drop' | 'reset';
}

/** An end of a link. */
export interface LinkEnd {
  /** Name of the host. */
  readonly name: string;
  /** Number of the host on the timeline. */
  readonly hostId: number;
}
