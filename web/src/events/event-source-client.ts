/**
 * One client of an event source.
 *
 * Call order: made when the head of the stream has been written → events → `close`, or the client goes.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { AsyncClient } from 'asynctcp';
import { clientOf } from 'asynctcp/net';
import type { QueueLimits } from '../limits.js';
import type { QueueBudget } from '../queue/queue-budget.js';
import {
  SendQueue,
  type Outlet,
  type QueuedMessage,
  type QueuePolicy,
  type SendResult,
} from '../queue/send-queue.js';
import { formatEvent, HEARTBEAT } from './format.js';

/** Options of one event. */
export interface EventOptions {
  /** Its subject: with the policy `latest per key`, it replaces the waiting event of the same key. */
  key?: string | undefined;
}

/** An event, formatted once for all its clients. */
export interface EventMessage extends QueuedMessage {
  readonly data: Buffer;
}

/** Returns bytes as an event. */
export function eventMessage(data: Buffer, key?: string): EventMessage {
  return { data, key, bytes: data.length };
}

/** State of a client when it comes. */
export interface Arrival {
  /** Its last event; `undefined` if it has had none. */
  readonly lastId: string | undefined;
  /** True if events that it has missed are not known any more. */
  readonly isGap: boolean;
}

const COMMENT = eventMessage(HEARTBEAT);

export class AsyncEventSourceClient implements Outlet<EventMessage> {
  readonly #reply: ServerResponse;
  readonly #socket: Socket;
  readonly #arrival: Arrival;
  readonly #queue: SendQueue<EventMessage>;
  #isConnected = true;

  /** Made by `AsyncEventSource`. */
  constructor(
    reply: ServerResponse,
    socket: Socket,
    arrival: Arrival,
    policy: QueuePolicy,
    limits: QueueLimits,
    budget: QueueBudget,
  ) {
    this.#reply = reply;
    this.#socket = socket;
    this.#arrival = arrival;
    this.#queue = new SendQueue<EventMessage>(this, policy, limits, budget);
    // An idle stream is no idle connection.
    socket.setTimeout(0);
  }

  /** Returns the connection's client; `undefined` when it is over. */
  client(): AsyncClient | undefined {
    return clientOf(this.#socket);
  }

  /** Returns the id of the last event that the client had when it came; empty if it had none. */
  lastId(): string {
    return this.#arrival.lastId ?? '';
  }

  /** Returns true if the client's last event was not known any more: it may have missed events. */
  hasGap(): boolean {
    return this.#arrival.isGap;
  }

  connected(): boolean {
    return this.#isConnected;
  }

  /** Returns the number of events that wait, those in the socket included. */
  packetsWaiting(): number {
    return this.#queue.length;
  }

  /** Returns the bytes of the events that wait. */
  bytesWaiting(): number {
    return this.#queue.bytes;
  }

  /**
   * Sends an event to this client alone: it is not kept for a replay.
   * @throws TypeError, RangeError as `AsyncEventSource.send`.
   */
  send(
    message: string | undefined,
    event?: string,
    id?: string | number,
    reconnect?: number,
    { key }: EventOptions = {},
  ): SendResult {
    const data = formatEvent({ message, event, id: id === undefined ? undefined : String(id), reconnect });
    return this.sendFormatted(eventMessage(data, key));
  }

  /** Called by `AsyncEventSource` with an event that it has formatted for all clients. */
  sendFormatted(event: EventMessage): SendResult {
    return this.#queue.send(event);
  }

  /** Fulfilled when the system has all events, with true; with false if the connection is over before. */
  drained(): Promise<boolean> {
    return this.#queue.drained();
  }

  /** Sets the fate of events that find the queue full. */
  setPolicy(policy: QueuePolicy): this {
    this.#queue.policy = policy;
    return this;
  }

  /** Ends the stream behind the events that wait. */
  close(): void {
    this.#isConnected = false;
    this.#queue.finish();
  }

  /** Sends a comment, unless events wait: these keep the connection as well. */
  beat(): void {
    if (this.#queue.length === 0) this.#queue.send(COMMENT);
  }

  /** Ends the connection if it has taken nothing of what waits for `stalledMs`. */
  look(stalledMs: number): void {
    if (this.#queue.stalledMs() >= stalledMs) this.overflow();
  }

  /** Called when the connection is over. */
  gone(): void {
    this.#isConnected = false;
    this.#queue.end();
  }

  // ---- called by the queue

  /** Called by the queue. */
  unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Called by the queue. */
  write(event: EventMessage, done: () => void): void {
    this.#socket.write(event.data, done);
  }

  /** Called by the queue. */
  overflow(): void {
    this.#isConnected = false;
    this.#socket.destroy();
  }

  /** Called by the queue. */
  finished(): void {
    this.#reply.end();
  }
}
