/**
 * The native addon's TAP and TUN interfaces, which `native/tunnel.h` describes: batches of packets in memory
 * that both sides see. In `received` and `sent` the packets lie one behind the other, each at a multiple of
 * `TUNNEL_ALIGN`; their lengths are 32-bit words of the array beside it.
 *
 * Ownership of the memory: `received` and its lengths belong to the dispatch function from its call to its
 * return, and to the addon at all other times; `sent` and its lengths belong to JavaScript but during `send`.
 */
export interface NativeTunnel {
  readonly received: ArrayBuffer;
  readonly receivedLengths: ArrayBuffer;
  readonly sent: ArrayBuffer;
  readonly sentLengths: ArrayBuffer;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  /** True if the kernel's end was up when the tunnel was opened. */
  readonly isUp: boolean;
  /** True if the kernel had an IPv4 address on its end when the tunnel was opened. */
  readonly hasAddress: boolean;
  /**
   * Sends the first `count` packets of `sent`. Returns the number of those that the kernel refused, whose
   * lengths are replaced by refusals.
   */
  send(count: number): number;
  /** With 1 the tunnel keeps the process alive, with 0, as at first, it does not. */
  keepProcess(on: number): void;
  /** Closes the descriptor and gives the memory back. No batch follows. */
  end(): void;
}

// The numbers of native/tunnel.h. They are literals so that compilers fold them; a test compares all of them
// with `NativeAddon.constants`.

/** Packets of one batch. */
export const TUNNEL_PACKETS = 64;
/** Packets begin at multiples of this. */
export const TUNNEL_ALIGN = 64;
/** Bytes of a batch. */
export const TUNNEL_BATCH_BYTES = 262_144;
