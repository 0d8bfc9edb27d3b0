/** The users of sockets in this thread: connections, attempts to connect, and servers that listen. */
import type { TcpStack } from '../port/tcp-stack.js';
import { LinkedList, type Linked } from '../support/linked-list.js';
import type { SendFigures } from '../task/diagnostics.js';

/** A connection, an attempt to connect, or a server that listens. */
export interface SocketUser extends Linked<SocketUser> {
  readonly stack: TcpStack;
  /** Returns the bytes that were added and that are not acknowledged. */
  unacknowledged(): number;
  /** Frees the socket, a connection's with a reset, without any callback. */
  reset(): void;
  /**
   * Of a server that listens: stops listening, and ends the clients within the milliseconds. Resolves when
   * they are over.
   */
  drainServer?(withinMs: number): Promise<void>;
}

const users = new LinkedList<SocketUser>();

/** Returns the users of sockets at this moment, the oldest first. */
export function socketUsers(): SocketUser[] {
  return [...users];
}

export function registerSocketUser(user: SocketUser): void {
  users.add(user);
}

export function unregisterSocketUser(user: SocketUser): void {
  users.delete(user);
}

/** Returns the bytes that all connections of this thread have in flight, and those that they may have. */
export function sendFigures(): SendFigures {
  let unacknowledgedBytes = 0;
  for (const user of users) unacknowledgedBytes += user.unacknowledged();
  return { budgetBytes: sendBudget(stacksInUse()), unacknowledgedBytes };
}

/** Returns the stacks of the users of sockets. */
export function stacksInUse(): ReadonlySet<TcpStack> {
  const stacks = new Set<TcpStack>();
  for (const { stack } of users) stacks.add(stack);
  return stacks;
}

/** Returns the bytes that all connections of the stacks may have unacknowledged. */
export function sendBudget(stacks: ReadonlySet<TcpStack>): number {
  // Stacks with the same budget share it.
  const budgets = new Set([...stacks].map(({ limits }) => limits.sendBudgetBytes));
  let budgetBytes = 0;
  for (const bytes of budgets) budgetBytes += bytes;
  return budgetBytes;
}

/**
 * Resets every connection of this thread and stops listening: the thread's task is ended in the middle of a
 * callback.
 */
export function resetAll(): void {
  for (const user of socketUsers()) {
    try {
      user.reset();
    } catch {
      // The callback may have been in the middle of this user's work; the others are reset all the same.
    }
  }
}

/** Drains every server of this thread that listens. */
export async function drainListeners(withinMs: number): Promise<void> {
  await Promise.allSettled(socketUsers().flatMap((user) => user.drainServer?.(withinMs) ?? []));
}
