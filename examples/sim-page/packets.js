/** What the page knows of each packet, from a tap on the link. */
import { PacketView, TcpFlag } from './library.js';

/** Packets that are kept for the pictures. */
const MOST_PACKETS = 3000;

/** Places of a sequence number behind another one, across the wrap. */
const behind = (one, other) => (one - other) | 0;

export class Packets {
  /** The packets, the oldest first. A packet travels from host `from`, 0 or 1, to the other one. */
  list = [];
  sent = 0;
  lost = 0;
  again = 0;
  /** Bytes of the client that acknowledgements have told it of. */
  acked = 0;
  /** Changes with each packet that is sent, arrives or is lost. */
  changes = 0;
  #network;
  #link;
  #byFrame = new Map();
  #view = new PacketView('ip');
  /** Of each host: its initial sequence number, the end of what it has sent, and when its sender is free. */
  #ends = [
    { first: undefined, next: 0, freeMs: 0 },
    { first: undefined, next: 0, freeMs: 0 },
  ];

  constructor(network, link) {
    this.#network = network;
    this.#link = link;
    link.addTap({
      sent: (direction, frame) => this.#sent(direction, frame),
      arrived: (_, frame) => this.#arrived(frame),
      dropped: (_, frame) => this.#dropped(frame),
    });
  }

  #sent(direction, frame) {
    const { nowMs } = this.#network;
    const from = direction === this.#link.forward ? 0 : 1;
    const packet = {
      from,
      sentMs: nowMs,
      lostMs: undefined,
      arrivedMs: undefined,
      ...this.#read(frame, from),
    };
    const { bitsPerSecond, delayMs = 0 } = direction.options;
    const end = this.#ends[from];
    // The packet waits for those in front of it, then needs its own time at the rate of the link.
    const needsMs = bitsPerSecond === undefined ? 0 : (frame.length * 8000) / bitsPerSecond;
    packet.leavesMs = Math.max(nowMs, end.freeMs);
    packet.expectedMs = packet.leavesMs + needsMs + delayMs;
    end.freeMs = packet.leavesMs + needsMs;
    this.#byFrame.set(frame, packet);
    this.list.push(packet);
    if (this.list.length > MOST_PACKETS) this.list.shift();
    this.sent += 1;
    if (packet.kind === 'again') this.again += 1;
    this.changes += 1;
  }

  #arrived(frame) {
    const packet = this.#byFrame.get(frame);
    this.#byFrame.delete(frame);
    this.changes += 1;
    if (packet === undefined) return;
    packet.arrivedMs = this.#network.nowMs;
    if (packet.from === 1) this.acked = Math.max(this.acked, packet.acked);
  }

  #dropped(frame) {
    const packet = this.#byFrame.get(frame);
    this.#byFrame.delete(frame);
    if (packet === undefined) return;
    packet.lostMs = this.#network.nowMs;
    this.lost += 1;
    this.changes += 1;
  }

  #read(frame, from) {
    const packet = this.#view.read(frame);
    const { flags, sequence, payloadBytes } = packet;
    const mine = this.#ends[from];
    const peer = this.#ends[1 - from];
    const isSyn = (flags & TcpFlag.SYN) !== 0;
    const isFin = (flags & TcpFlag.FIN) !== 0;
    const isReset = (flags & TcpFlag.RST) !== 0;
    if (isSyn && mine.first === undefined) {
      mine.first = sequence;
      mine.next = sequence;
    }
    const length = payloadBytes + (isSyn || isFin ? 1 : 0);
    const isAgain = length > 0 && behind(sequence, mine.next) < 0;
    if (behind(sequence + length, mine.next) > 0) mine.next = sequence + length;
    const acked = peer.first === undefined ? 0 : Math.max(0, behind(packet.acknowledgement, peer.first) - 1);
    const at = Math.max(0, behind(sequence, mine.first ?? sequence) - 1);
    const names = [isSyn && 'SYN', isFin && 'FIN', isReset && 'RST'].filter((name) => name !== false);
    if ((flags & TcpFlag.ACK) !== 0 && (names.length > 0 || payloadBytes === 0)) names.push('ACK');
    const data = payloadBytes === 0 ? '' : `${count(payloadBytes)} B at ${count(at)}`;
    const ack = names.includes('ACK') && !isSyn ? count(acked) : '';
    const label = [data, names.join('+'), ack].filter((part) => part !== '').join(' ');
    const isControl = isSyn || isFin || isReset;
    const kind = isAgain ? 'again' : isControl ? 'control' : payloadBytes > 0 ? 'data' : 'ack';
    return { kind, label, acked, bytes: frame.length };
  }
}

/** Returns a number with separators of thousands. */
export function count(number) {
  return number.toLocaleString('en-US');
}

/**
 * Returns the place of a packet at a time: 0 at its sender, 1 at its receiver. A packet that waits for the link has
 * a place below 0; `undefined` if it is not under way.
 */
export function placeOf(packet, nowMs) {
  if (nowMs < packet.sentMs) return undefined;
  if (nowMs < packet.leavesMs) return -1;
  const endMs = packet.arrivedMs ?? packet.expectedMs;
  const place = endMs === packet.leavesMs ? 1 : (nowMs - packet.leavesMs) / (endMs - packet.leavesMs);
  return place > 1 && (packet.arrivedMs !== undefined || packet.lostMs !== undefined)
    ? undefined
    : Math.min(place, 1);
}
