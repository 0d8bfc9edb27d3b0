/** A stack on the injecting addon, its clock, the violations that were found, and what the process holds. */
import assert from 'node:assert/strict';
import { KernelStack } from '#src/stacks/kernel/kernel-stack.js';
import type { SystemStackOptions } from '#src/stacks/system/system-stack-options.js';
import { TimerWheel } from '#src/support/timer-wheel.js';
import { SteppedClock } from '#src/support/stepped-clock.js';
import { socketDescriptors } from '../support/descriptors.js';
import { holdsWithin, nextTurn } from '../support/until.js';
import type { InjectingAddon } from './injecting-addon.js';

/** Ends a workload that hangs. No passing test waits this long. */
const PATIENCE_MS = 5_000;
/** Step of the clock while a test waits: one for each turn of the event loop. */
const STEP_MS = 2;
/** Less than the stack's longest timeouts: the 20 s for a FIN must not make a missing event pass. */
const CLOCK_PATIENCE_MS = 15_000;

const LIMITS: SystemStackOptions = { sendBufferBytes: 98_304, receiveWindowBytes: 65_536 };

export class Testbed {
  readonly addon: InjectingAddon;
  readonly clock = new SteppedClock();
  readonly stack: KernelStack;
  /** Violations since they were last cleared. */
  violations: string[] = [];

  /** @param isExact false: as on a Linux that cannot keep the window closed. */
  constructor(addon: InjectingAddon, isExact = true) {
    this.addon = addon;
    this.stack = new KernelStack(isExact ? addon : withoutPeeking(addon), { ...LIMITS, clock: this.clock });
    // The loop polls the kernel by the machine's time; here it goes by the stepped clock as well.
    Object.defineProperty(this.stack.loop, 'timers', { value: new TimerWheel(this.clock) });
  }

  readonly report = (what: string): void => {
    this.violations.push(what);
  };

  /**
   * Turns the event loop, and the clock with it, until the condition holds. Resolves to false if it does not
   * in time.
   */
  async holds(condition: () => boolean): Promise<boolean> {
    const clockEndsMs = this.clock.nowMs() + CLOCK_PATIENCE_MS;
    return holdsWithin(PATIENCE_MS, condition, async () => {
      await nextTurn();
      if (this.clock.nowMs() < clockEndsMs) this.clock.advance(STEP_MS);
    });
  }

  /** As `holds`; fails the test if the condition does not hold in time. */
  async until(what: string, condition: () => boolean): Promise<void> {
    assert.ok(await this.holds(condition), `waited in vain until ${what}`);
  }

  /** Lists what the process and the stack hold. */
  holdings(): string {
    const { loop } = this.stack;
    const ofLoop = `${loop.sockets} sockets and ${loop.timers.size} timers of the loop`;
    return `${socketDescriptors()} descriptors of sockets, ${ofLoop}, ${JSON.stringify(this.stack.holdings())}`;
  }
}

function withoutPeeking(addon: InjectingAddon): InjectingAddon {
  return {
    ...addon,
    openSockets: (dispatch, checksPages) =>
      Object.assign(addon.openSockets(dispatch, checksPages), { canPeek: false }),
  };
}
