/** Admission of connections to a stack: how many there are, and if one more is accepted (contract M1). */
import type { TcpStack } from '../port/tcp-stack.js';
import { warn } from '../support/warn.js';
import { connectionMeter } from '../task/diagnostics.js';
import { observer, type ObservedListener } from './observer.js';

export class Admission {
  readonly stack: TcpStack;
  readonly #maxActiveTcp: number;
  /** Connections and attempts to connect. */
  #activeTcp = 0;
  #warnedOfLimit = false;

  constructor(stack: TcpStack) {
    this.stack = stack;
    this.#maxActiveTcp = stack.limits.maxActiveTcp ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Takes a place for one more connection. Returns false if there is none.
   * @param listener the listener that accepted it.
   */
  admit(listener?: ObservedListener): boolean {
    if (this.#activeTcp >= this.#maxActiveTcp) {
      this.refuse(listener);
      this.#warnOfLimit();
      return false;
    }
    this.#activeTcp += 1;
    connectionMeter()?.opened();
    return true;
  }

  /** True if there is no place for one more connection. */
  get isFull(): boolean {
    return this.#activeTcp >= this.#maxActiveTcp;
  }

  /** Gives the place of an admitted connection back: the connection is over, or closes. */
  release(): void {
    this.#activeTcp -= 1;
    connectionMeter()?.closed();
  }

  /** Counts a refused connection: refused here, or by a server's own limit. */
  refuse(listener?: ObservedListener): void {
    connectionMeter()?.wasRefused();
    observer?.onRefused(listener);
  }

  /** Warns once: a flood of refused connections must not become a flood of lines. */
  #warnOfLimit(): void {
    if (this.#warnedOfLimit) return;
    this.#warnedOfLimit = true;
    warn(
      `the ${this.stack.name} stack has reached its limit of connections, ${this.#maxActiveTcp}, and refuses ` +
        'further ones; CONFIG_LWIP_MAX_ACTIVE_TCP raises it',
    );
  }
}

const admissions = new WeakMap<TcpStack, Admission>();

/** Returns the one admission of a stack. */
export function admissionOf(stack: TcpStack): Admission {
  let admission = admissions.get(stack);
  if (admission === undefined) {
    admission = new Admission(stack);
    admissions.set(stack, admission);
  }
  return admission;
}
