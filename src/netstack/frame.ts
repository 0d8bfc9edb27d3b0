/**
 * Buffers of packets. A frame has one owner at any time: `FramePool.take` makes the caller the owner,
 * `Device.transmit` and `NetInterface.receive` pass the ownership on, and the last owner calls
 * `FramePool.give`. No view of a frame's bytes is kept after that.
 *
 * Headers are written in front of what a frame has already: the transport writes its segment at
 * `HEADROOM`, IP in front of it, Ethernet in front of that.
 */
import { assert } from '../support/assert.js';

/** Bytes in front of the transport header: an Ethernet header of 14 and an IPv6 header of 40 bytes. */
export const HEADROOM = 64;
/** Bytes of the usual frame: an Ethernet MTU of 1500 and its headroom. */
const SMALL_BYTES = 2048;
/**
 * Bytes of a packet of TCP behind the headroom: TCP asks for the room of all options before it knows which
 * ones a segment has, also for the largest segment that an IP packet carries.
 */
const MOST_BYTES = 65_536 + 60;
/** Bytes of a frame that can take every IP packet. */
const LARGE_BYTES = MOST_BYTES + HEADROOM;
/** Frames of each size that a pool keeps for later: 8 and 4 MiB. */
export const MOST_SPARE_FRAMES = 4096;
export const MOST_SPARE_LARGE_FRAMES = 64;

export class Frame {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** First byte of the packet. */
  start = HEADROOM;
  /** End of the packet. */
  end = HEADROOM;
  /**
   * True if the checksums of the headers were computed over these very bytes and nothing has touched them
   * since: a receiver in this process need not compute them again. Whatever changes the bytes of a frame
   * sets it to false; a router that changes a header and its checksum alike does not.
   */
  isVerified = false;
  /** Next frame of the queue that the frame's owner keeps it in. */
  next: Frame | undefined;

  constructor(size: number) {
    const buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  get length(): number {
    return this.end - this.start;
  }
}

export class FramePool {
  readonly #small: Frame[] = [];
  readonly #large: Frame[] = [];
  /** Frames that were taken and not given back. */
  taken = 0;

  /** Returns a frame for a packet of up to `length` bytes behind the headroom; its bytes are of any value. */
  take(length: number): Frame {
    assert(length <= MOST_BYTES, 'a packet has at most 65,536 bytes');
    this.taken += 1;
    const isSmall = length <= SMALL_BYTES - HEADROOM;
    const frame =
      (isSmall ? this.#small : this.#large).pop() ?? new Frame(isSmall ? SMALL_BYTES : LARGE_BYTES);
    frame.start = frame.end = HEADROOM;
    frame.isVerified = false;
    return frame;
  }

  /** Takes a frame back from its owner. */
  give(frame: Frame): void {
    this.taken -= 1;
    frame.next = undefined;
    if (frame.bytes.length === SMALL_BYTES) {
      if (this.#small.length < MOST_SPARE_FRAMES) this.#small.push(frame);
    } else if (this.#large.length < MOST_SPARE_LARGE_FRAMES) this.#large.push(frame);
  }
}
