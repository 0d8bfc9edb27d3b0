/**
 * TAP and TUN of Linux as devices of a `NetStack`: the kernel's end is a network interface of this machine,
 * and this end is the process. A TAP carries Ethernet frames, a TUN IP packets.
 *
 * Frames come in batches from the event loop: `onReceive` for each frame, then `onBatchEnd`. Frames that are
 * transmitted gather in memory that the addon sees; `flush` sends them in one crossing.
 */
import { loadAddon } from '../addon/load-addon.js';
import type { NativeAddon } from '../addon/native-addon.js';
import {
  TUNNEL_ALIGN,
  TUNNEL_BATCH_BYTES,
  TUNNEL_PACKETS,
  type NativeTunnel,
} from '../addon/native-tunnel.js';
import type { Device } from '../netstack/device.js';
import { HEADROOM, type Frame, type FramePool } from '../netstack/frame.js';

/** Bytes in front of an IP packet on Ethernet. */
const ETHERNET_BYTES = 14;
/** Bytes of the largest frame of the pool. A TAP with an MTU near it may bring more, with a VLAN tag. */
const MOST_FRAME_BYTES = 65_536;

export interface TapOptions {
  /** Name of the interface, such as `tap0`. */
  readonly name: string;
  /** `tap` for Ethernet frames (default), `tun` for IP packets. */
  readonly kind?: 'tap' | 'tun' | undefined;
  readonly frames: FramePool;
  /** The native addon; that of the package if not given. */
  readonly addon?: NativeAddon | undefined;
}

/** Returns the bytes that a packet takes in a batch. */
function aligned(bytes: number): number {
  return (bytes + TUNNEL_ALIGN - 1) & -TUNNEL_ALIGN;
}

export class TapDevice implements Device {
  readonly name: string;
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
  readonly frames: FramePool;
  /** True if the kernel's end was up, and had an IPv4 address, when the device was opened. */
  readonly isUp: boolean;
  readonly hasAddress: boolean;

  /** Called for each frame that comes, which belongs to the callee. */
  onReceive: (frame: Frame) => void;
  /** Called when the frames of a batch have come. */
  onBatchEnd: () => void = () => undefined;
  /** Called when the interface is gone: no frame comes or leaves any more. */
  onGone: () => void = () => undefined;

  /** Frames that came and left. */
  received = 0;
  transmitted = 0;
  /** Frames that are lost: the kernel refused them, as it does while the interface is down; or too large. */
  refused = 0;

  readonly #tunnel: NativeTunnel;
  readonly #receivedBytes: Uint8Array;
  readonly #receivedLengths: Int32Array;
  readonly #sentBytes: Uint8Array;
  readonly #sentLengths: Int32Array;
  /** Bytes of the largest frame. */
  readonly #mostBytes: number;
  /** Frames that gather, and the bytes that they take. */
  #count = 0;
  #used = 0;
  #isOpen = true;

  /**
   * Opens the interface, and creates it if it is not there and the process may.
   * @throws Error if the addon does not load; an Error with the `code` of the system's refusal: EPERM, EBUSY,
   *   EINVAL, ENOENT and others (`NativeAddon.openTunnel`).
   */
  constructor({ name, kind = 'tap', frames, addon = requireAddon() }: TapOptions) {
    this.#tunnel = addon.openTunnel(name, kind === 'tap', (count) => {
      this.#receive(count);
    });
    const { received, receivedLengths, sent, sentLengths, mtu, isUp, hasAddress } = this.#tunnel;
    this.#receivedBytes = new Uint8Array(received);
    this.#receivedLengths = new Int32Array(receivedLengths);
    this.#sentBytes = new Uint8Array(sent);
    this.#sentLengths = new Int32Array(sentLengths);
    this.name = name;
    this.medium = kind === 'tap' ? 'ethernet' : 'ip';
    this.mtu = mtu;
    this.isUp = isUp;
    this.hasAddress = hasAddress;
    this.frames = frames;
    this.#mostBytes = mtu + (kind === 'tap' ? ETHERNET_BYTES : 0);
    this.onReceive = (frame) => {
      frames.give(frame);
    };
  }

  transmit(frame: Frame): void {
    const { length } = frame;
    if (!this.#isOpen || length > this.#mostBytes) {
      this.refused += 1;
      this.frames.give(frame);
      return;
    }
    if (this.#count === TUNNEL_PACKETS || this.#used + length > TUNNEL_BATCH_BYTES) this.flush();
    // A view for each frame: the system call behind it costs ten times as much.
    this.#sentBytes.set(frame.bytes.subarray(frame.start, frame.end), this.#used);
    this.#sentLengths[this.#count] = length;
    this.#count += 1;
    this.#used += aligned(length);
    this.frames.give(frame);
  }

  /** Sends the frames that were transmitted since the last call. */
  flush(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    this.#used = 0;
    if (!this.#isOpen) return;
    const refused = this.#tunnel.send(count);
    this.refused += refused;
    this.transmitted += count - refused;
  }

  /** Lets the device keep the process alive, or not; at first it does not. */
  keepProcess(on: boolean): void {
    if (this.#isOpen) this.#tunnel.keepProcess(on ? 1 : 0);
  }

  /** Leaves the interface; one that was created with the device goes with it. */
  close(): void {
    if (!this.#isOpen) return;
    this.flush();
    this.#isOpen = false;
    this.#tunnel.end();
  }

  /** Takes a batch of `count` packets; less than 0 if the interface is gone. */
  #receive(count: number): void {
    if (count < 0) {
      this.#isOpen = false;
      this.#tunnel.end();
      this.onGone();
      return;
    }
    let used = 0;
    for (let index = 0; index < count && this.#isOpen; index += 1) {
      const length = this.#receivedLengths[index] ?? 0;
      if (length > MOST_FRAME_BYTES) this.refused += 1;
      else this.#pass(this.#receivedBytes.subarray(used, used + length));
      used += aligned(length);
    }
    this.onBatchEnd();
  }

  #pass(bytes: Uint8Array): void {
    const frame = this.frames.take(bytes.length);
    frame.bytes.set(bytes, HEADROOM);
    frame.end = HEADROOM + bytes.length;
    this.received += 1;
    this.onReceive(frame);
  }
}

function requireAddon(): NativeAddon {
  const { addon, reason } = loadAddon();
  if (addon === undefined) throw new Error(`there are no TAP and TUN devices: ${reason}`);
  return addon;
}
