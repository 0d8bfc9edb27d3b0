/**
 * One client of a WebSocket.
 *
 * Call order: made when the connection has been upgraded → messages → `close`, or the client closes → gone.
 */
import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import type { AsyncClient } from 'asynctcp';
import { clientOf } from 'asynctcp/net';
import { WebSocket } from 'ws';
import { after } from '../interval.js';
import type { WebSocketLimits } from '../limits.js';
import type { QueueBudget } from '../queue/queue-budget.js';
import {
  SendQueue,
  type Outlet,
  type QueuedMessage,
  type QueuePolicy,
  type SendResult,
} from '../queue/send-queue.js';
import { checkClose, CLOSE_NORMAL, CLOSE_POLICY, CLOSE_TRY_AGAIN } from './close-code.js';
import { WS_CONNECTED, WS_DISCONNECTED, WS_DISCONNECTING, type AwsClientStatus } from './event.js';

/** Options of one message. */
export interface MessageOptions {
  /** Its subject: with the policy `latest per key`, it replaces the waiting message of the same key. */
  key?: string | undefined;
}

/** A message, encoded once for all its clients. */
export interface WebSocketMessage extends QueuedMessage {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/**
 * Encodes a message. Bytes are not copied.
 * @throws TypeError for text that is no UTF-8.
 */
export function encodeMessage(
  content: string | Uint8Array,
  isBinary: boolean,
  { key }: MessageOptions = {},
): WebSocketMessage {
  const isText = typeof content === 'string';
  const data = isText
    ? Buffer.from(content)
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (!isText && !isBinary && !isUtf8(data)) throw new TypeError('text must be UTF-8');
  return { data, isBinary, key, bytes: data.length };
}

const TEXT = { binary: false };
const BINARY = { binary: true };

const MOST_PING_BYTES = 125;

export class AsyncWebSocketClient implements Outlet<WebSocketMessage> {
  readonly #id: number;
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #limits: WebSocketLimits;
  readonly #queue: SendQueue<WebSocketMessage>;
  readonly #remote: { readonly address: string; readonly port: number };
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  #bytesRead = 0;
  #heardAt = performance.now();
  #pingedAt = 0;

  /** Made by `AsyncWebSocket`. */
  constructor(
    id: number,
    ws: WebSocket,
    socket: Socket,
    policy: QueuePolicy,
    limits: WebSocketLimits,
    budget: QueueBudget,
  ) {
    this.#id = id;
    this.#ws = ws;
    this.#socket = socket;
    this.#limits = limits;
    this.#queue = new SendQueue<WebSocketMessage>(this, policy, limits, budget);
    this.#remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    ws.once('close', () => {
      clearTimeout(this.#closeTimer);
      this.#queue.end();
    });
  }

  /** Returns its number, from 1 on. No other client of the WebSocket has or had it. */
  id(): number {
    return this.#id;
  }

  /** Returns `WS_CONNECTED`, `WS_DISCONNECTING` while it closes, or `WS_DISCONNECTED`. */
  status(): AwsClientStatus {
    if (this.#ws.readyState === WebSocket.CLOSED) return WS_DISCONNECTED;
    const isOpen = this.#ws.readyState === WebSocket.OPEN && this.#closing === undefined;
    return isOpen ? WS_CONNECTED : WS_DISCONNECTING;
  }

  /** Returns the connection's client; `undefined` when it is over. */
  client(): AsyncClient | undefined {
    return clientOf(this.#socket);
  }

  /** Returns the peer's address, also when the connection is over. */
  remoteIP(): string {
    return this.#remote.address;
  }

  /** Returns the peer's port, also when the connection is over. */
  remotePort(): number {
    return this.#remote.port;
  }

  /** Returns the subprotocol; empty if there is none. */
  protocol(): string {
    return this.#ws.protocol;
  }

  // ---- sending

  /**
   * Sends text.
   * @param content text, or its bytes, which must not be changed before they were sent.
   * @throws TypeError for bytes that are no UTF-8.
   */
  text(content: string | Uint8Array, options?: MessageOptions): SendResult {
    return this.send(encodeMessage(content, false, options));
  }

  /** Sends bytes, which must not be changed before they were sent, or the UTF-8 of a text. */
  binary(content: string | Uint8Array, options?: MessageOptions): SendResult {
    return this.send(encodeMessage(content, true, options));
  }

  /** Called by `AsyncWebSocket` with a message that it has encoded for all clients. */
  send(message: WebSocketMessage): SendResult {
    return this.status() === WS_CONNECTED ? this.#queue.send(message) : 'closed';
  }

  /**
   * Sends a ping, past the messages that wait. Returns false if the client is closed.
   * @param data at most 125 bytes.
   * @throws RangeError for more.
   */
  ping(data: string | Uint8Array = ''): boolean {
    if (Buffer.byteLength(data) > MOST_PING_BYTES)
      throw new RangeError(`data must have at most ${MOST_PING_BYTES} bytes`);
    if (this.status() !== WS_CONNECTED) return false;
    this.#ws.ping(data);
    return true;
  }

  /** Returns the number of messages that wait, those in the socket included. */
  queueLen(): number {
    return this.#queue.length;
  }

  /** Returns the bytes of the messages that wait. */
  queueBytes(): number {
    return this.#queue.bytes;
  }

  queueIsFull(): boolean {
    return this.#queue.isFull;
  }

  /** Returns true if the client is connected and its queue has space. */
  canSend(): boolean {
    return this.status() === WS_CONNECTED && !this.#queue.isFull;
  }

  /** Fulfilled when the system has all messages, with true; with false if the connection is over before. */
  drained(): Promise<boolean> {
    return this.#queue.drained();
  }

  /** Sets the fate of messages that find the queue full. */
  setPolicy(policy: QueuePolicy): this {
    this.#queue.policy = policy;
    return this;
  }

  // ---- receiving

  /** Reads no further messages, until `resume`: backpressure. */
  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  // ---- the end

  /**
   * Closes the connection behind the messages that wait; a client that takes too long loses it.
   * @throws RangeError for a code that must not be sent, or a reason of more than 123 bytes.
   */
  close(code = CLOSE_NORMAL, reason = ''): void {
    checkClose(code, reason);
    if (this.status() !== WS_CONNECTED) return;
    this.#closing = { code, reason };
    this.#closeTimer = after(this.#limits.closeMs, () => {
      this.#ws.terminate();
    });
    this.#queue.finish();
  }

  /** Called from time to time: pings a client that is silent, and closes one that does not answer. */
  look(now: number): void {
    if (this.status() !== WS_CONNECTED) return;
    const { bytesRead } = this.#socket;
    if (bytesRead !== this.#bytesRead || this.#ws.isPaused) {
      this.#bytesRead = bytesRead;
      this.#heardAt = now;
    } else if (now - this.#heardAt >= this.#limits.idleMs) {
      this.#closeNow(CLOSE_POLICY, 'no answer');
    } else if (now - Math.max(this.#heardAt, this.#pingedAt) >= this.#limits.pingMs) {
      this.#pingedAt = now;
      this.#ws.ping();
    }
  }

  #closeNow(code: number, reason: string): void {
    this.#queue.discard();
    this.close(code, reason);
    this.finished();
  }

  // ---- called by the queue

  /** Called by the queue. */
  unsentBytes(): number {
    return this.#ws.bufferedAmount;
  }

  /** Called by the queue. */
  write(message: WebSocketMessage, done: () => void): void {
    this.#ws.send(message.data, message.isBinary ? BINARY : TEXT, done);
  }

  /** Called by the queue. */
  overflow(): void {
    this.#closeNow(CLOSE_TRY_AGAIN, 'too slow');
  }

  /** Called by the queue. */
  finished(): void {
    const { code, reason } = this.#closing ?? { code: CLOSE_NORMAL, reason: '' };
    this.#ws.close(code, reason);
  }
}
