/** A link between a host and its TAP device that loses and reorders frames, both ways, by a seed. */
import type { Device } from '#src/netstack/device.js';
import type { Frame, FramePool } from '#src/netstack/frame.js';
import type { TapDevice } from '#src/link/tap-node.js';
import { SeededRandom } from '#src/support/seeded-random.js';

export interface Harm {
  /** Probability that a frame is lost. */
  readonly loss: number;
  /** Probability that a frame is overtaken by those of the next milliseconds. */
  readonly reorder: number;
}

/** Time for which an overtaken frame waits. */
const LATE_MS = 2;

export class LossyDevice implements Device {
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
  readonly frames: FramePool;
  onReceive: (frame: Frame) => void;
  lost = 0;
  overtaken = 0;
  readonly #device: TapDevice;
  readonly #random: SeededRandom;
  readonly #harm: Harm;

  constructor(device: TapDevice, harm: Harm, seed = 1) {
    this.#device = device;
    this.#harm = harm;
    this.#random = SeededRandom.of(seed);
    this.medium = device.medium;
    this.mtu = device.mtu;
    this.frames = device.frames;
    this.onReceive = device.onReceive;
    device.onReceive = (frame) => {
      this.#pass(frame, (passed) => {
        this.onReceive(passed);
      });
    };
  }

  transmit(frame: Frame): void {
    this.#pass(frame, (passed) => {
      this.#device.transmit(passed);
    });
  }

  #pass(frame: Frame, onward: (frame: Frame) => void): void {
    if (this.#random.isLucky(this.#harm.loss)) {
      this.lost += 1;
      this.frames.give(frame);
      return;
    }
    if (!this.#random.isLucky(this.#harm.reorder)) {
      onward(frame);
      return;
    }
    this.overtaken += 1;
    setTimeout(() => {
      onward(frame);
      // As behind frames that have just come: the host has its turn, and what it sends leaves.
      this.#device.onBatchEnd();
    }, LATE_MS);
  }
}
