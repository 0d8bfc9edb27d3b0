/** The state that a stack, its attempts, listeners and connections share. */
import type { TcpApi } from '../../netstack/raw-api.js';
import type { Held } from '../../port/held.js';
import type { StackLimits } from '../../port/tcp-stack.js';
import { flushGathered, gather } from '../../support/callback-scope.js';
import { LinkedList, type Linked } from '../../support/linked-list.js';
import { TimerWheel } from '../../support/timer-wheel.js';
import type { StackDriver } from './driver.js';
import { LentView } from './lent-view.js';
import { SendShares } from './send-shares.js';
import { Turns } from './turns.js';

/** A connection that has written in the running callback, and sends when the callback returns. */
export interface GatheringSender {
  sendGathered(): void;
}

/** A connection in one of the two lists of the stack. */
export interface HeldConnection extends Linked<HeldConnection> {
  abort(): void;
}

export interface HeldAttempt extends Linked<HeldAttempt> {
  cancel(): void;
}

export class StackContext implements Held {
  readonly tcp: TcpApi;
  readonly limits: StackLimits;
  readonly timers: TimerWheel;
  readonly turns: Turns;
  readonly shares: SendShares;
  readonly connections = new LinkedList<HeldConnection>();
  readonly lingering = new LinkedList<HeldConnection>();
  /** The received bytes that a handler has at this moment. */
  readonly lent = new LentView();
  readonly attempts = new LinkedList<HeldAttempt>();
  readonly listeners = new Set<{ close(): void }>();
  readonly #driver: StackDriver;
  #gathering: GatheringSender | undefined;
  /** True while the driver has the stack do a step, which ends with sending what became due. */
  isInStep = false;
  readonly #sendGathered = (): void => {
    const sender = this.#gathering;
    this.#gathering = undefined;
    sender?.sendGathered();
  };

  constructor(tcp: TcpApi, driver: StackDriver, limits: StackLimits) {
    this.tcp = tcp;
    this.limits = limits;
    this.#driver = driver;
    this.turns = new Turns(tcp, () => {
      this.wake();
    });
    this.timers = new TimerWheel(this.turns.clockOf(driver.clock));
    this.shares = new SendShares(limits.sendBudgetBytes);
  }

  nowMs(): number {
    return this.#driver.clock.nowMs();
  }

  /** Has TCP send what became due by a call of the program: a window update, a FIN. */
  wake(): void {
    if (!this.isInStep) this.#driver.wake();
  }

  /** Has `sender` send when the running callback returns, and others that wait at once (rule 7). */
  gather(sender: GatheringSender): void {
    if (this.#gathering === sender) return;
    flushGathered();
    this.#gathering = sender;
    gather(this.#sendGathered);
  }

  isGathering(sender: GatheringSender): boolean {
    return this.#gathering === sender;
  }
}
