/** The TCP connections whose packets links have carried, for a summary. */
import type { Frame } from '../netstack/frame.js';
import type { Direction } from './direction.js';
import type { LinkTap } from './ports.js';
import { PacketView } from './packet-view.js';

/** Connections that are kept; later ones are only counted. */
export const MOST_CONVERSATIONS = 65_536;

const NS_PER_MS = 1_000_000;

/** One direction of a connection. */
class Half {
  /** Bytes of data, each counted once. */
  bytes = 0;
  /** Segments that repeat bytes, SYN or FIN. */
  retransmissions = 0;
  hasSyn = false;
  hasFin = false;
  /** Sequence number behind the last byte that was sent. */
  #next: number | undefined;

  note(packet: PacketView): void {
    const { payloadBytes } = packet;
    const length = payloadBytes + (packet.isSyn ? 1 : 0) + (packet.isFin ? 1 : 0);
    this.hasSyn ||= packet.isSyn;
    this.hasFin ||= packet.isFin;
    if (length === 0) return;
    const end = (packet.sequence + length) | 0;
    const isNew = this.#next === undefined || ((end - this.#next) | 0) > 0;
    if (!isNew) {
      this.retransmissions += 1;
      return;
    }
    const fresh = this.#next === undefined ? length : Math.min(length, (end - this.#next) | 0);
    this.bytes += Math.min(payloadBytes, fresh);
    this.#next = end;
  }
}

export type ConversationState =
  /** No answer to its SYN was seen. */
  | 'unanswered'
  /** A reset answered its SYN. */
  | 'refused'
  | 'open'
  /** Both ends have sent FIN. */
  | 'closed'
  | 'reset';

export class Conversation {
  /** Address and port of the end that sent the first packet, and of the other end. */
  readonly from: readonly [address: string, port: number];
  readonly to: readonly [address: string, port: number];
  /** Name of the link on which the connection was seen first. */
  readonly link: string;
  readonly forward = new Half();
  readonly backward = new Half();
  readonly firstMs: number;
  lastMs: number;
  #isReset = false;

  constructor(packet: PacketView, link: string, nowMs: number) {
    this.from = [packet.source, packet.sourcePort];
    this.to = [packet.destination, packet.destinationPort];
    this.link = link;
    this.firstMs = nowMs;
    this.lastMs = nowMs;
  }

  get state(): ConversationState {
    if (this.#isReset) return this.backward.hasSyn ? 'reset' : 'refused';
    if (!this.backward.hasSyn && this.forward.hasSyn) return 'unanswered';
    return this.forward.hasFin && this.backward.hasFin ? 'closed' : 'open';
  }

  note(packet: PacketView, nowMs: number): void {
    this.lastMs = nowMs;
    const isForward = packet.sourcePort === this.from[1] && packet.source === this.from[0];
    this.#isReset ||= packet.isReset;
    (isForward ? this.forward : this.backward).note(packet);
  }
}

/**
 * Watches links. A connection is seen on the first link that carries it, as it is sent; behind NAT, as the
 * first end of the link sees it.
 */
export class Conversations implements LinkTap {
  readonly #views = { ethernet: new PacketView('ethernet'), ip: new PacketView('ip') };
  readonly #known = new Map<string, Conversation>();
  /** Returns true if the link translates addresses and the direction leads to its first end. */
  readonly #leadsInside: (direction: Direction) => boolean;
  readonly #list: Conversation[] = [];
  /** Connections beyond `MOST_CONVERSATIONS`. */
  further = 0;

  constructor(leadsInside: (direction: Direction) => boolean) {
    this.#leadsInside = leadsInside;
  }

  /** The connections in the order of their first packets. */
  get list(): readonly Conversation[] {
    return this.#list;
  }

  sent(direction: Direction, frame: Frame): void {
    if (!this.#leadsInside(direction)) this.#note(direction, frame);
  }

  arrived(direction: Direction, frame: Frame): void {
    if (this.#leadsInside(direction)) this.#note(direction, frame);
  }

  dropped(): void {
    // A packet that is dropped later was sent.
  }

  #note(direction: Direction, frame: Frame): void {
    const packet = this.#views[direction.medium].read(frame);
    if (!packet.isTcp) return;
    const from = `${packet.source} ${packet.sourcePort}`;
    const to = `${packet.destination} ${packet.destinationPort}`;
    const nowMs = direction.nowNs / NS_PER_MS;
    let known = this.#known.get(`${from} ${to}`) ?? this.#known.get(`${to} ${from}`);
    // The same ends may meet again, in another connection.
    if (known === undefined || (packet.isSyn && !packet.isAck && isOver(known))) {
      if (this.#list.length >= MOST_CONVERSATIONS) {
        this.further += 1;
        return;
      }
      known = new Conversation(packet, direction.link, nowMs);
      this.#known.delete(`${to} ${from}`);
      this.#known.set(`${from} ${to}`, known);
      this.#list.push(known);
    }
    if (known.link === direction.link) known.note(packet, nowMs);
  }
}

function isOver({ state }: Conversation): boolean {
  return state !== 'open' && state !== 'unanswered';
}
