/** The device of a network interface: a simulated link, TAP, TUN, or the loopback of a stack. */
import type { Frame, FramePool } from './frame.js';

export interface Device {
  /** `ethernet`: frames begin with an Ethernet header. `ip`: they begin with an IP header. */
  readonly medium: 'ethernet' | 'ip';
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  /** The pool that frames come from and are given back to. */
  readonly frames: FramePool;
  /** Sends a frame, and owns it from now on. Never calls into the stack. */
  transmit(frame: Frame): void;
}
