/** The state that a stack, its attempts, listeners and connections share: limits, timers, holdings. */
import type { Held } from '../../port/held.js';
import type { StackLimits } from '../../port/tcp-stack.js';
import type { Clock } from '../../support/clock.js';
import { TimerWheel } from '../../support/timer-wheel.js';
import type { Network } from './network.js';

/** Bytes that each connection may have unacknowledged, also when the send budget is used up (contract M4). */
const SHARE_BYTES = 65_536;

export class Machine implements Held {
  readonly network: Network;
  readonly limits: StackLimits;
  readonly timers: TimerWheel;
  readonly connections = new Set<{ abort(): void }>();
  readonly lingering = new Set<{ abort(): void }>();
  readonly attempts = new Set<{ cancel(): void }>();
  readonly listeners = new Set<{ close(): void }>();
  /** Faults on demand that leave the machine without memory for connections. */
  readonly shortages = new Set<object>();
  /** Bytes of all connections beyond their shares. */
  #excess = 0;

  constructor(network: Network, limits: StackLimits) {
    const { clock, turns } = network;
    this.network = network;
    this.limits = limits;
    const awake: Clock = {
      nowMs: () => clock.nowMs(),
      setAlarm: (atMs, wake) => {
        // The clock does not move to the present time: the turn has to look.
        if (atMs <= clock.nowMs()) turns.wake();
        return clock.setAlarm(atMs, wake);
      },
    };
    this.timers = new TimerWheel(awake);
  }

  /** Returns the bytes that a connection may have unacknowledged. Half of the budget is for the shares. */
  capacity(unacknowledged: number): number {
    const left = Math.max(0, this.limits.sendBudgetBytes / 2 - this.#excess);
    const most = Math.max(SHARE_BYTES, unacknowledged) + Math.floor(left);
    return Math.min(this.limits.sendBufferBytes, most);
  }

  /** Notes a change of a connection's unacknowledged bytes. */
  changed(before: number, after: number): void {
    this.#excess += Math.max(0, after - SHARE_BYTES) - Math.max(0, before - SHARE_BYTES);
  }
}
