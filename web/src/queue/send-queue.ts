/**
 * The messages that wait for one client, of a WebSocket or of an event stream: bounded in messages and bytes,
 * with a policy for a client that reads too slowly.
 *
 * A message is written to the socket when less than `WRITE_AHEAD_BYTES` wait there, and is counted until the
 * system has taken it. Only messages that are not written can be dropped.
 *
 * Call order: `send` … → `finish`, which sends what waits, or `discard`, which does not → `end`, when the
 * connection is over.
 */
import type { QueueLimits } from '../limits.js';
import { excessOf, type QueueBudget } from './queue-budget.js';

/**
 * The fate of a message that finds the queue full. `drop new`: it is dropped. `drop old`: the oldest ones
 * make space for it. `latest per key`: a message replaces, at any time, the waiting one of its key; without
 * space it is dropped. `close`: the connection is closed.
 */
export type QueuePolicy = 'drop new' | 'drop old' | 'latest per key' | 'close';

/**
 * The outcome of a message. `sent`: the system has it. `queued`: it waits. `dropped`: the queue is full.
 * `closed`: the connection is closed; this message may have closed it.
 */
export type SendResult = 'sent' | 'queued' | 'dropped' | 'closed';

/** A message as a queue knows it. One object serves all clients. */
export interface QueuedMessage {
  readonly bytes: number;
  /** Its subject, for the policy `latest per key`. */
  readonly key: string | undefined;
}

/** The connection behind a queue. */
export interface Outlet<M extends QueuedMessage> {
  /** Returns the bytes that were written and that the system has not taken. */
  unsentBytes(): number;
  /** Writes a message. Calls `done` later, when the system has taken it or the connection is over. */
  write(message: M, done: () => void): void;
  /** Closes the connection: the queue is full, and that is its policy. */
  overflow(): void;
  /** Closes the connection: `finish` was called, and nothing waits any more. */
  finished(): void;
}

/** Bytes in a socket from which on further messages wait in the queue. */
const WRITE_AHEAD_BYTES = 16_384;

type Phase = 'open' | 'finishing' | 'closed';

export class SendQueue<M extends QueuedMessage> {
  policy: QueuePolicy;
  readonly #outlet: Outlet<M>;
  readonly #limits: QueueLimits;
  readonly #budget: QueueBudget;
  /** The first `#written` of them are in the socket. */
  readonly #messages: M[] = [];
  #written = 0;
  #writtenBytes = 0;
  #bytes = 0;
  /** The part of them that the budget knows of. */
  #excess = 0;
  #phase: Phase = 'open';
  /** Time of the last message that left while others waited, or since which the first one waits. */
  #progressAt = 0;
  #waiters: ((isDrained: boolean) => void)[] | undefined;

  constructor(outlet: Outlet<M>, policy: QueuePolicy, limits: QueueLimits, budget: QueueBudget) {
    this.#outlet = outlet;
    this.policy = policy;
    this.#limits = limits;
    this.#budget = budget;
  }

  /** Number of messages that wait. */
  get length(): number {
    return this.#messages.length;
  }

  /** Bytes of the messages that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True if there is no space for a further message, of one byte at least. */
  get isFull(): boolean {
    return !this.#hasSpace(1, 0, 0);
  }

  /** Sends a message, now or later, or drops it. Its content must not be changed before it was sent. */
  send(message: M): SendResult {
    if (this.#phase !== 'open') return 'closed';
    if (!this.#makeSpace(message)) return this.#overflow();
    if (this.#messages.length === 0) this.#progressAt = performance.now();
    this.#messages.push(message);
    this.#bytes += message.bytes;
    this.#pump();
    this.#account();
    return this.#messages.length === 0 ? 'sent' : 'queued';
  }

  /** Returns the time for which the first message has waited without progress, in milliseconds. */
  stalledMs(): number {
    return this.#messages.length === 0 ? 0 : performance.now() - this.#progressAt;
  }

  /** Fulfilled when nothing waits any more, with true; with false if the connection is over before. */
  drained(): Promise<boolean> {
    if (this.#messages.length === 0) return Promise.resolve(this.#phase !== 'closed');
    return new Promise((resolve) => {
      (this.#waiters ??= []).push(resolve);
    });
  }

  // ---- space

  #hasSpace(bytes: number, freedMessages: number, freedBytes: number): boolean {
    const { queueMessages, queueBytes } = this.#limits;
    const wantedMessages = this.#messages.length + 1 - freedMessages;
    const wantedBytes = this.#bytes + bytes - freedBytes;
    return (
      wantedMessages <= queueMessages &&
      wantedBytes <= queueBytes &&
      this.#hasExcess(excessOf(wantedMessages, wantedBytes))
    );
  }

  /** Returns true if the excess may become as much. */
  #hasExcess(wanted: number): boolean {
    return wanted <= this.#excess || this.#budget.allows(wanted);
  }

  /** Drops what the policy drops for a message. Returns false, and drops nothing, if there is no space. */
  #makeSpace({ bytes, key }: M): boolean {
    if (this.policy === 'latest per key' && key !== undefined) {
      const at = this.#messages.findIndex((other, index) => index >= this.#written && other.key === key);
      const former = this.#messages[at];
      if (former !== undefined && this.#hasSpace(bytes, 1, former.bytes)) {
        this.#drop(at, 1);
        return true;
      }
    }
    if (this.#hasSpace(bytes, 0, 0)) return true;
    return this.policy === 'drop old' && this.#dropOldFor(bytes);
  }

  #dropOldFor(bytes: number): boolean {
    let count = 0;
    let freedBytes = 0;
    while (!this.#hasSpace(bytes, count, freedBytes)) {
      const next = this.#messages[this.#written + count];
      if (next === undefined) return false;
      count += 1;
      freedBytes += next.bytes;
    }
    this.#drop(this.#written, count);
    return true;
  }

  #drop(from: number, count: number): void {
    for (const { bytes } of this.#messages.splice(from, count)) this.#bytes -= bytes;
  }

  /** Tells the budget of what has changed. */
  #account(): void {
    const excess = excessOf(this.#messages.length, this.#bytes);
    if (excess === this.#excess) return;
    this.#budget.change(excess - this.#excess);
    this.#excess = excess;
  }

  #overflow(): SendResult {
    if (this.policy !== 'close') return 'dropped';
    this.discard();
    this.#outlet.overflow();
    return 'closed';
  }

  // ---- the socket

  #pump(): void {
    while (this.#written < this.#messages.length && this.#outlet.unsentBytes() < WRITE_AHEAD_BYTES) {
      const message = this.#messages[this.#written];
      if (message === undefined) break;
      this.#written += 1;
      this.#writtenBytes += message.bytes;
      this.#outlet.write(message, this.#onWritten);
    }
    this.#settle();
  }

  /** Forgets the messages that the system has taken: the bytes in the socket are the last ones written. */
  #settle(): void {
    const unsent = this.#outlet.unsentBytes();
    const before = this.#messages.length;
    while (this.#written > 0) {
      const bytes = this.#messages[0]?.bytes ?? 0;
      if (unsent > 0 && this.#writtenBytes - bytes < unsent) break;
      this.#messages.shift();
      this.#written -= 1;
      this.#writtenBytes -= bytes;
      this.#bytes -= bytes;
    }
    if (this.#messages.length === 0) this.#report(true);
    else if (this.#messages.length < before) this.#progressAt = performance.now();
  }

  readonly #onWritten = (): void => {
    if (this.#messages.length === 0) return;
    this.#pump();
    this.#account();
    if (this.#messages.length === 0 && this.#phase === 'finishing') this.#finished();
  };

  #report(isDrained: boolean): void {
    const waiters = this.#waiters;
    this.#waiters = undefined;
    for (const resolve of waiters ?? []) resolve(isDrained);
  }

  // ---- the end

  /** Takes no more messages, and closes the connection when those that wait are sent. */
  finish(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'finishing';
    if (this.#messages.length === 0) this.#finished();
  }

  #finished(): void {
    this.#phase = 'closed';
    this.#outlet.finished();
  }

  /** Takes no more messages, and drops those that wait; the socket keeps what it has. */
  discard(): void {
    this.#phase = 'closed';
    this.#drop(this.#written, this.#messages.length);
    this.#account();
    this.#report(false);
  }

  /** Called when the connection is over. */
  end(): void {
    this.#phase = 'closed';
    this.#drop(0, this.#messages.length);
    this.#written = 0;
    this.#writtenBytes = 0;
    this.#account();
    this.#report(false);
  }
}

/** The outcome of a message to several clients: the number of clients for each result. */
export type SendCounts = Readonly<Record<SendResult, number>>;

/** Sends to each client, and counts the results. */
export function sendToEach<C>(clients: Iterable<C>, send: (client: C) => SendResult): SendCounts {
  const counts = { sent: 0, queued: 0, dropped: 0, closed: 0 };
  for (const client of clients) counts[send(client)] += 1;
  return counts;
}

/** Fulfilled when nothing waits for any client, with true; with false if a connection is over before. */
export async function allDrained(clients: Iterable<{ drained(): Promise<boolean> }>): Promise<boolean> {
  const drained = await Promise.all(Array.from(clients, (client) => client.drained()));
  return drained.every(Boolean);
}
