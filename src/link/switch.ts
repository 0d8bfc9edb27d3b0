/**
 * An Ethernet switch (IEEE 802.1D §7): learns at which port an address is, floods packets to groups and to
 * addresses that it does not know, and passes others to their port alone.
 */
import type { Frame, FramePool } from '../netstack/frame.js';
import type { Direction } from './direction.js';
import { ETHERNET_BYTES } from './packet-view.js';

/** Addresses that a switch knows at once; the oldest is forgotten. */
export const MOST_LEARNED = 8192;
/** Ports of one switch. */
export const MOST_PORTS = 4096;

const WORD = 0x1_0000_0000;

export class Switch {
  readonly #frames: FramePool;
  /** Directions from the switch to the hosts. */
  readonly #ports: Direction[] = [];
  readonly #learned = new Map<number, number>();
  /** Pairs of ports that are kept apart, with what holds them so. */
  readonly #blocked = new Map<number, Set<object>>();

  constructor(frames: FramePool) {
    this.#frames = frames;
  }

  /**
   * Adds a port, and returns its number.
   * @throws RangeError if there are too many.
   */
  addPort(fromHost: Direction, toHost: Direction): number {
    if (this.#ports.length >= MOST_PORTS) throw new RangeError(`a LAN has at most ${MOST_PORTS} hosts`);
    const port = this.#ports.push(toHost) - 1;
    fromHost.port = {
      receive: (frame) => {
        this.#receive(port, frame);
      },
    };
    return port;
  }

  /** Keeps packets of port `from` away from port `to`, until each `by` has unblocked them. */
  block(from: number, to: number, by: object): void {
    const pair = from * MOST_PORTS + to;
    const holders = this.#blocked.get(pair) ?? new Set();
    this.#blocked.set(pair, holders.add(by));
  }

  unblock(from: number, to: number, by: object): void {
    const pair = from * MOST_PORTS + to;
    const holders = this.#blocked.get(pair);
    holders?.delete(by);
    if (holders?.size === 0) this.#blocked.delete(pair);
  }

  #receive(from: number, frame: Frame): void {
    if (frame.length < ETHERNET_BYTES) {
      this.#frames.give(frame);
      return;
    }
    this.#learn(addressAt(frame, 6), from);
    const isGroup = ((frame.bytes[frame.start] ?? 0) & 1) !== 0;
    const to = isGroup ? undefined : this.#learned.get(addressAt(frame, 0));
    if (to === undefined) this.#flood(from, frame);
    else if (to === from || this.#blocked.has(from * MOST_PORTS + to)) this.#frames.give(frame);
    else this.#ports[to]?.transmit(frame);
  }

  #learn(address: number, port: number): void {
    if (this.#learned.get(address) === port) return;
    this.#learned.delete(address);
    this.#learned.set(address, port);
    if (this.#learned.size <= MOST_LEARNED) return;
    for (const oldest of this.#learned.keys()) {
      this.#learned.delete(oldest);
      return;
    }
  }

  #flood(from: number, frame: Frame): void {
    for (const [to, port] of this.#ports.entries()) {
      if (to === from || this.#blocked.has(from * MOST_PORTS + to)) continue;
      const copy = this.#frames.take(frame.length);
      copy.bytes.set(frame.bytes.subarray(frame.start, frame.end), copy.start);
      copy.end = copy.start + frame.length;
      port.transmit(copy);
    }
    this.#frames.give(frame);
  }
}

/** Returns the 48 bits of an Ethernet address as a number. */
function addressAt({ view, start }: Frame, offset: number): number {
  return view.getUint16(start + offset) * WORD + view.getUint32(start + offset + 2);
}
