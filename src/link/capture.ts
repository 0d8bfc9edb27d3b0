/**
 * Captures the packets of links: each end of a link is an interface, which sees what it sends and receives.
 * Dropped packets are on an interface of their own, with the reason as a comment. The capture of one host has
 * what its interfaces send and receive, as tcpdump on that host would: each packet once.
 */
import type { Frame } from '../netstack/frame.js';
import type { Direction } from './direction.js';
import type { LinkTap } from './ports.js';
import type { DropReason } from './impairments.js';
import { LinkType, PcapngWriter, type CaptureSink } from './pcapng.js';

const LINK_TYPES = { ethernet: LinkType.ETHERNET, ip: LinkType.RAW } as const;

export interface CaptureOptions {
  readonly seed: number | string;
  /** Time of day at the network's start, in milliseconds since 1970. */
  readonly epochMs: number;
  /** Name of the host whose ends alone are captured. Default: both ends of each link, and dropped packets. */
  readonly at?: string | undefined;
}

export class Capture implements LinkTap, Disposable {
  readonly #writer: PcapngWriter;
  readonly #interfaces = new Map<string, number>();
  readonly #stop: (capture: Capture) => void;

  readonly #at: string | undefined;

  constructor(sink: CaptureSink, { seed, epochMs, at }: CaptureOptions, stop: (capture: Capture) => void) {
    this.#at = at;
    this.#writer = new PcapngWriter(sink, `seed ${seed}`, epochMs);
    this.#stop = stop;
  }

  /** Ends the capture; what was written is complete. */
  stop(): void {
    this.#stop(this);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  sent(direction: Direction, frame: Frame): void {
    if (this.#at !== undefined && direction.from !== this.#at) return;
    const end = this.#interface(`${direction.from} on ${direction.link}`, direction);
    this.#writer.writePacket(end, direction.nowNs, bytesOf(frame), 'outbound');
  }

  arrived(direction: Direction, frame: Frame): void {
    if (this.#at !== undefined && direction.to !== this.#at) return;
    const end = this.#interface(`${direction.to} on ${direction.link}`, direction);
    this.#writer.writePacket(end, direction.nowNs, bytesOf(frame), 'inbound');
  }

  dropped(direction: Direction, frame: Frame, reason: DropReason): void {
    if (this.#at !== undefined) return;
    const name = direction.medium === 'ip' ? 'dropped' : 'dropped ethernet';
    const comment = `${direction.name}: ${reason}`;
    const { nowNs } = direction;
    this.#writer.writePacket(this.#interface(name, direction), nowNs, bytesOf(frame), undefined, comment);
  }

  #interface(name: string, { medium }: Direction): number {
    let id = this.#interfaces.get(name);
    if (id === undefined) {
      id = this.#writer.addInterface(name, LINK_TYPES[medium]);
      this.#interfaces.set(name, id);
    }
    return id;
  }
}

function bytesOf(frame: Frame): Uint8Array {
  return frame.bytes.subarray(frame.start, frame.end);
}
