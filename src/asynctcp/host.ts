/**
 * What the API keeps for each stack: how many connections there are, and whether one more is welcome
 * (contract M1); and for the thread: what holds a socket.
 */
import type { TcpStack } from '../port/tcp-stack.js';
import { warn } from '../support/warn.js';
import { connectionMeter, type SendFigures } from '../task/diagnostics.js';

/** What holds a socket of this thread's: a connection, or a server that listens. */
export interface Holder {
  readonly stack: TcpStack;
  /** Bytes that were added and that are not acknowledged. */
  unacknowledged(): number;
  /** Gives the socket up, a connection with a reset, without any callback. */
  reset(): void;
}

/** The server of accepted clients. */
export interface ClientKeeper {
  /** A client of the server's needs its place no more: it closes, or it is over. */
  placeIsFree(): void;
  /** A client is over. */
  left(): void;
}

const holders = new Set<Holder>();

/** Returns what holds a socket at this moment, the oldest first. */
export function socketHolders(): Holder[] {
  return [...holders];
}

export function holdsSocket(holder: Holder): void {
  holders.add(holder);
}

export function holdsNoSocket(holder: Holder): void {
  holders.delete(holder);
}

/** Returns what all connections of this thread have in flight, and may have. */
export function sendFigures(): SendFigures {
  const stacks = new Set<TcpStack>();
  let unacknowledgedBytes = 0;
  for (const holder of holders) {
    stacks.add(holder.stack);
    unacknowledgedBytes += holder.unacknowledged();
  }
  // Stacks with the same budget share it.
  const budgets = new Set([...stacks].map(({ limits }) => limits.sendBudgetBytes));
  let budgetBytes = 0;
  for (const bytes of budgets) budgetBytes += bytes;
  return { budgetBytes, unacknowledgedBytes };
}

/**
 * Resets every connection of this thread and stops listening: its task is ended in the middle of a
 * callback.
 */
export function resetAll(): void {
  for (const holder of holders) {
    try {
      holder.reset();
    } catch {
      // It was stopped in the middle of its work; the others are reset all the same.
    }
  }
}

export class Host {
  readonly stack: TcpStack;
  readonly #maxActiveTcp: number;
  /** Connections that stand or come. */
  #activeTcp = 0;
  #toldOfLimit = false;

  constructor(stack: TcpStack) {
    this.stack = stack;
    this.#maxActiveTcp = stack.limits.maxActiveTcp ?? Number.POSITIVE_INFINITY;
  }

  /** Takes a place for one more connection, or answers false. */
  admit(): boolean {
    if (this.#activeTcp >= this.#maxActiveTcp) {
      this.refuse();
      this.#tellOfLimit();
      return false;
    }
    this.#activeTcp += 1;
    connectionMeter()?.opened();
    return true;
  }

  /** Gives the place of an admitted connection back: it is over, or closes. */
  release(): void {
    this.#activeTcp -= 1;
    connectionMeter()?.closed();
  }

  /** Somebody was turned away, here or by a server's own limit. */
  refuse(): void {
    connectionMeter()?.wasRefused();
  }

  /** Once: a flood of refused connections must not become a flood of lines. */
  #tellOfLimit(): void {
    if (this.#toldOfLimit) return;
    this.#toldOfLimit = true;
    warn(
      `the ${this.stack.name} stack has reached its limit of connections, ${this.#maxActiveTcp}, and refuses ` +
        'further ones; CONFIG_LWIP_MAX_ACTIVE_TCP raises it',
    );
  }
}

const hosts = new WeakMap<TcpStack, Host>();

export function hostOf(stack: TcpStack): Host {
  let host = hosts.get(stack);
  if (host === undefined) {
    host = new Host(stack);
    hosts.set(stack, host);
  }
  return host;
}
