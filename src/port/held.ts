/** Counts and ends everything that a stack holds, for the stacks that are written in JavaScript alone. */
import type { Holdings } from './tcp-stack.js';

interface Group<Member> extends Iterable<Member> {
  readonly size: number;
}

export interface Held {
  /** Connections whose end has not been reported. */
  readonly connections: Group<{ abort(): void }>;
  /** Closed connections that the stack still finishes. */
  readonly lingering: Group<{ abort(): void }>;
  readonly attempts: Group<{ cancel(): void }>;
  readonly listeners: Group<{ close(): void }>;
  readonly timers: { readonly size: number };
}

/** Returns the counts, for `TcpStack.holdings`. */
export function holdingsOf({ connections, attempts, listeners, lingering, timers }: Held): Holdings {
  return {
    connections: connections.size,
    attempts: attempts.size,
    listeners: listeners.size,
    lingering: lingering.size,
    timers: timers.size,
  };
}

/** Resets the connections and ends attempts and listeners, for `TcpStack.close`. */
export function endAll({ connections, attempts, listeners, lingering }: Held): void {
  for (const listener of [...listeners]) listener.close();
  for (const attempt of [...attempts]) attempt.cancel();
  for (const connection of [...connections, ...lingering]) connection.abort();
}
