/** The stack under test is a host of netstack with one interface that carries IP packets. */
import type { Device } from '#src/netstack/device.js';
import { FramePool, type Frame } from '#src/netstack/frame.js';
import { NetStack } from '#src/netstack/netstack.js';
import type { Profile } from '#src/netstack/profile.js';
import { Random } from '../../support/random.js';
import type { StackUnderTest } from './host.js';
import type { StackOptions } from './player.js';

const MTU = 1500;

/** Gives what the stack sends to a test, as bytes. */
class Tap implements Device {
  readonly medium = 'ip';
  readonly mtu = MTU;
  readonly frames = new FramePool();
  readonly #onSent: (bytes: Uint8Array) => void;

  constructor(onSent: (bytes: Uint8Array) => void) {
    this.#onSent = onSent;
  }

  transmit(frame: Frame): void {
    this.#onSent(frame.bytes.slice(frame.start, frame.end));
    this.frames.give(frame);
  }

  /** Returns a frame with a packet. */
  frameOf(bytes: Uint8Array): Frame {
    const frame = this.frames.take(bytes.length);
    frame.bytes.set(bytes, frame.start);
    frame.end = frame.start + bytes.length;
    return frame;
  }
}

/** Makes a host with a profile, and what a script changes of it. */
export function makeNetStack(profile: Profile, seed: number): (options: StackOptions) => StackUnderTest {
  return (options) => {
    const { local, startMs, changes } = options;
    const random = new Random(seed);
    const tap = new Tap((bytes) => options.onSent(bytes));
    const stack = new NetStack({
      profile: { ...profile, tcp: { ...profile.tcp, ...changes } },
      random: () => random.fraction(),
      frames: tap.frames,
      nowMs: startMs,
    });
    const netInterface = stack.attach(tap, { addresses: [local] });
    stack.addRoute(local.includes(':') ? '::/0' : '0.0.0.0/0', { netInterface });
    return {
      tcp: stack.tcp,
      receive: (bytes) => netInterface.receive(tap.frameOf(bytes)),
      advance: (nowMs) => stack.advance(nowMs),
      nextDeadlineMs: () => stack.nextDeadlineMs(),
      get hasWork() {
        return stack.hasWork;
      },
      work: () => stack.work(),
      flush: () => stack.flush(),
    };
  };
}
