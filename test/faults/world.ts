/**
 * What the scenes of a test happen in: a stack on the faulty addon, its clock, and what may not be more
 * afterwards than it was before.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { KernelStack } from '#src/stacks/kernel/kernel-stack.js';
import type { SystemStackOptions } from '#src/stacks/system/system-stack-options.js';
import { TimerWheel } from '#src/support/timer-wheel.js';
import { SteppedClock } from '#src/support/stepped-clock.js';
import type { FaultyAddon } from './faulty-addon.js';

/** A hanging scene is given up after so long; no passing test waits for it. */
const PATIENCE_MS = 5_000;
/** The clock's steps while something is waited for: one for each turn of the event loop. */
const STEP_MS = 2;
/** Less than the stack's longest waits: 20 s for a FIN must not pass for an event that came. */
const PATIENCE_OF_THE_CLOCK_MS = 15_000;

const LIMITS: SystemStackOptions = { sendBufferBytes: 98_304, receiveWindowBytes: 65_536 };

export class World {
  readonly addon: FaultyAddon;
  readonly clock = new SteppedClock();
  readonly stack: KernelStack;
  /** What was wrong since it was asked for. */
  complaints: string[] = [];

  /** @param isExact false: as on a Linux that cannot leave the window closed. */
  constructor(addon: FaultyAddon, isExact = true) {
    this.addon = addon;
    this.stack = new KernelStack(isExact ? addon : withoutPeeking(addon), { ...LIMITS, clock: this.clock });
    // When the kernel is asked again goes by the machine's time; here nobody waits for it.
    Object.defineProperty(this.stack.loop, 'timers', { value: new TimerWheel(this.clock) });
  }

  readonly complain = (what: string): void => {
    this.complaints.push(what);
  };

  /** Turns the event loop, and the clock with it, until it holds. False: it does not within patience. */
  async until(holds: () => boolean): Promise<boolean> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    const clockEndsMs = this.clock.nowMs() + PATIENCE_OF_THE_CLOCK_MS;
    while (!holds()) {
      if (performance.now() > deadlineMs) return false;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.clock.nowMs() < clockEndsMs) this.clock.advance(STEP_MS);
    }
    return true;
  }

  /** What is open: sockets of the process and of the stack, and timers. */
  holdings(): string {
    const sockets = `${this.stack.loop.sockets} sockets of the stack, ${this.stack.lingerers.size} lingering`;
    const timers = this.stack.timers.size + this.stack.loop.timers.size;
    return `${openSockets()} descriptors of sockets, ${sockets}, ${timers} timers`;
  }
}

function withoutPeeking(addon: FaultyAddon): FaultyAddon {
  return {
    ...addon,
    openSockets: (dispatch, checksPages) =>
      Object.assign(addon.openSockets(dispatch, checksPages), { canPeek: false }),
  };
}

function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((name) => linkOf(name).startsWith('socket:')).length;
}

/** The directory's own descriptor is gone when it is looked at. */
function linkOf(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return '';
  }
}
