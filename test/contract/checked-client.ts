/**
 * A client that checks `space()` in every callback, before and after the actions there, against a model: the
 * send buffer less the bytes that were added and not acknowledged, and 0 from the end of the connection on
 * (contract L6 and D2). The model also checks L1, L2 and L3: one callback at a time, one `onError` directly
 * followed by one `onDisconnect`, and nothing after it.
 *
 * Call order of a life: `connect` or `accepted`, then anything, up to the event `disconnect`.
 */
import {
  ASYNC_WRITE_FLAG_COPY,
  ErrorCode,
  TcpState,
  type AsyncClient,
  type ConnectOptions,
  type Packet,
} from 'asynctcp';
import { ExpectationFailure } from './expect.js';
import { UNUSED_PORT } from '../support/unused.js';

export type EventName =
  'accepted' | 'connect' | 'data' | 'packet' | 'ack' | 'timeout' | 'poll' | 'end' | 'error' | 'disconnect';

/** The record that all clients of a case share. */
export interface Log {
  /** Answers of `space()` that were checked. */
  spaces: number;
  /** Calls of `onError`. */
  errors: number;
  /** Exceptions that handlers threw on purpose. */
  thrown: number;
  /** The client whose callback runs. */
  running: CheckedClient | undefined;
  /** The client whose `onDisconnect` has to come next. */
  ending: CheckedClient | undefined;
  /** The first violation. */
  failure: Error | undefined;
}

export const INJECTED_ERROR = new Error('thrown by a handler on purpose');

/** Bytes to send; their content does not matter here. */
const BYTES = new Uint8Array(1 << 20);
const ONE = new Uint8Array(1);

function fail(what: string): never {
  throw new ExpectationFailure(what);
}

export abstract class CheckedClient {
  readonly client: AsyncClient;
  readonly #log: Log;
  readonly #sendBuffer: number;
  /** The code of `onError`, unless this end aborts. */
  expectedCode: ErrorCode = ErrorCode.ERR_RST;

  // The model of the present life.

  #phase: 'idle' | 'dialing' | 'connected' = 'idle';
  #closing = false;
  #shut = false;
  #aborted = false;
  /** `state()` returned `CLOSED` once: it must, up to the next `connect`. */
  #wasClosed = true;
  #errorReported = false;
  /** The peer's FIN came. */
  ended = false;
  #added = 0;
  #sent = 0;
  #acked = 0;
  /** Bytes by which `space()` has risen again. */
  #accepted = 0;
  #inHand = 0;
  withheld = 0;
  /** Packets of all lives: those of former lives have no effect when they are given back. */
  readonly #packets: Packet[] = [];

  constructor(client: AsyncClient, log: Log, sendBuffer: number) {
    this.client = client;
    this.#log = log;
    this.#sendBuffer = sendBuffer;
    client.setAllowHalfOpen(true);
    client.onConnect(() => this.#handle('connect'));
    client.onDisconnect(() => this.#handle('disconnect'));
    client.onError((_, code) => this.#handle('error', code));
    client.onPoll(() => this.#handle('poll'));
    client.onEnd(() => this.#handle('end'));
    client.onData((_, data) => this.#handle('data', data.length, data));
  }

  /** Runs in every callback, between two checks. */
  protected abstract act(event: EventName): void;

  /** Returns a name for the message of a failure. */
  abstract name(): string;

  /** Takes the bytes of a piece or packet, before `act`. */
  protected received?(bytes: Uint8Array): void;

  /** Returns `length` bytes to send, which have the place `from` in the stream. */
  protected bytesToSend(_from: number, length: number): Uint8Array {
    return BYTES.subarray(0, length);
  }

  /** True if the stack's queue counts segments too, as lwIP's: `space()` may be less than the free bytes. */
  protected readonly countsSegments: boolean = false;

  /** Returns true if `onError` may report `code` while this end has not aborted. */
  protected isExpected(code: number): boolean {
    return code === this.expectedCode;
  }

  get isIdle(): boolean {
    return this.#phase === 'idle';
  }

  get isConnected(): boolean {
    return this.#phase === 'connected';
  }

  /** True if this end has asked for the end of the connection, or of its own direction. */
  get isEnding(): boolean {
    return this.#closing || this.#shut || this.#aborted;
  }

  /** Bytes that were added in this life, and those that `onAck` has reported. */
  get added(): number {
    return this.#added;
  }

  get acked(): number {
    return this.#acked;
  }

  get isClosed(): boolean {
    return this.client.state() === TcpState.CLOSED;
  }

  // ---- a life

  connect(host: string, port: number, options?: ConnectOptions): void {
    this.#begin('dialing');
    if (!this.client.connect(host, port, options)) fail('connect answers false');
    this.checkSpace();
  }

  /** Begins a life in `onClient`. */
  accepted(): void {
    this.#begin('connected');
    this.#handle('accepted');
  }

  #begin(phase: 'dialing' | 'connected'): void {
    if (this.#phase !== 'idle') fail('a life begins before the last one is over');
    this.#phase = phase;
    this.#closing = this.#shut = this.#aborted = this.#wasClosed = this.#errorReported = this.ended = false;
    this.#added = this.#sent = this.#acked = this.#accepted = this.#inHand = this.withheld = 0;
  }

  /** Ends the model of a life without a callback: the host has crashed, and none may come any more. */
  crashed(): void {
    this.#phase = 'idle';
  }

  /** Sets the handlers that change what the stack does. */
  listen(acks: boolean, timeouts: boolean, packets: boolean): void {
    const { client } = this;
    client.onAck(acks ? (_, bytes) => this.#handle('ack', bytes) : undefined);
    client.onTimeout(timeouts ? () => this.#handle('timeout') : undefined);
    client.onPacket(packets ? (_, packet) => this.#takePacket(packet) : undefined);
  }

  #takePacket(packet: Packet): void {
    this.#packets.push(packet);
    this.#handle('packet', 0, packet.data);
  }

  #handle(event: EventName, detail = 0, bytes?: Uint8Array): void {
    const log = this.#log;
    // Anything after the first violation is only a consequence of it.
    if (log.failure !== undefined) return;
    if (log.running !== undefined) this.#recordFailure(event, new Error('a callback inside another (L1)'));
    log.running = this;
    try {
      this.#record(event, detail);
      this.checkSpace();
      if (bytes !== undefined) this.received?.(bytes);
      this.act(event);
      this.checkSpace();
    } catch (error) {
      if (error === INJECTED_ERROR) throw error;
      this.#recordFailure(event, error);
    } finally {
      log.running = undefined;
      this.later(unused);
    }
  }

  /** Updates the model with a callback. */
  #record(event: EventName, detail: number): void {
    if (this.#phase === 'idle') fail('a callback after onDisconnect (L2)');
    if (this.#log.ending !== undefined && (this.#log.ending !== this || event !== 'disconnect')) {
      fail('a callback between onError and onDisconnect (L3)');
    }
    if (event === 'connect') this.#phase = 'connected';
    else if (event === 'end') this.ended = true;
    else if (event === 'data') this.#inHand = detail;
    else if (event === 'ack') this.#recordAck(detail);
    else if (event === 'error') this.#recordError(detail);
    else if (event === 'disconnect') this.#recordEnd();
  }

  #recordAck(bytes: number): void {
    this.#acked += bytes;
    if (!Number.isInteger(bytes) || bytes <= 0 || this.#acked > this.#sent) {
      fail(`onAck tells of ${bytes} bytes, in all ${this.#acked}, of which ${this.#sent} were sent`);
    }
    this.#accepted = Math.max(this.#accepted, this.#acked);
  }

  #recordError(code: number): void {
    this.#errorReported = true;
    this.#log.ending = this;
    this.#log.errors += 1;
    const isExpected = this.#aborted ? code === ErrorCode.ERR_ABRT : this.isExpected(code);
    if (!isExpected) fail(`onError tells of ${code}, which is not expected`);
    if (this.client.connect('127.0.0.1', UNUSED_PORT)) fail('connect in onError answers true (L5)');
  }

  #recordEnd(): void {
    const mayEndWell = this.#closing || (this.#shut && this.ended);
    if (!this.#errorReported && (this.#aborted || !mayEndWell)) fail('onDisconnect without onError (L3)');
    this.#phase = 'idle';
    this.#log.ending = undefined;
  }

  #recordFailure(where: string, error: unknown): void {
    this.#log.failure ??= new ExpectationFailure(
      `${this.name()}, ${where}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }

  /** Runs `what` in a microtask, after the running callback has returned. */
  later(what: () => void): void {
    queueMicrotask(() => {
      try {
        this.checkSpace();
        what();
        this.checkSpace();
      } catch (error) {
        this.#recordFailure('in a microtask', error);
      }
    });
  }

  /** As `checkSpace`, outside of callbacks: a violation goes to the log. */
  checkFromOutside(): void {
    try {
      this.checkSpace();
    } catch (error) {
      this.#recordFailure('between two callbacks', error);
    }
  }

  // ---- checks

  /** Returns `space()` after checking it. */
  checkSpace(): number {
    const state = this.client.state();
    const space = this.client.space();
    this.#log.spaces += 1;
    this.#checkState(state);
    if (state === TcpState.CLOSED || this.#phase !== 'connected' || this.#closing || this.#shut) {
      this.#checkNothingFits(state, space);
      return space;
    }
    const accepted = space - (this.#sendBuffer - this.#added);
    if (this.countsSegments) {
      this.#checkSegmentSpace(space, accepted);
      return space;
    }
    // These two bounds imply that `space()` is at least 0 and at most the send buffer.
    if (!Number.isInteger(accepted) || accepted < this.#accepted || accepted > this.#sent) {
      fail(
        `space() is ${space} with ${this.#added} bytes added, ${this.#sent} of them sent, and at least ` +
          `${this.#accepted} of those acknowledged, of a buffer of ${this.#sendBuffer}`,
      );
    }
    this.#accepted = accepted;
    return space;
  }

  #checkSegmentSpace(space: number, accepted: number): void {
    const isAllAcked = this.#accepted === this.#added;
    if (
      !Number.isInteger(space) ||
      space < 0 ||
      accepted > this.#sent ||
      (isAllAcked && accepted < this.#added)
    ) {
      fail(
        `space() is ${space} with ${this.#added} bytes added, and at least ${this.#accepted} acknowledged`,
      );
    }
  }

  #checkState(state: TcpState): void {
    const isOver = this.#phase === 'idle' || this.#aborted || this.#errorReported || this.#wasClosed;
    if (state === TcpState.CLOSED) this.#wasClosed = true;
    else if (isOver) fail(`state() is ${state} after the end`);
    else if (this.#phase === 'dialing' && state !== TcpState.SYN_SENT) fail(`state() is ${state} in dialing`);
    else if (this.#phase === 'connected' && state < TcpState.ESTABLISHED)
      fail(`state() is ${state} in a connection`);
  }

  #checkNothingFits(state: TcpState, space: number): void {
    const { client } = this;
    const taken = [space, client.add(ONE), client.write('x'), client.write(ONE)];
    if (taken.some((bytes) => bytes !== 0) || client.canSend()) {
      fail(
        `space(), add() and write() answer ${taken.join(', ')} in state ${state}, with nothing to send on`,
      );
    }
    const mayFlush = this.#shut && !this.#closing && state !== TcpState.CLOSED;
    if (!mayFlush && client.send()) fail(`send() answers true in state ${state}, with nothing to send on`);
  }

  // ---- actions

  /** Adds `bytes` bytes, or as many as there is space for. */
  add(bytes: number, flags: number = ASYNC_WRITE_FLAG_COPY): void {
    const space = this.checkSpace();
    const taken = this.client.add(this.bytesToSend(this.#added, bytes), flags);
    if (taken !== Math.min(bytes, space))
      fail(`add(${bytes}) takes ${taken} with a space() of ${space} (D2)`);
    this.#added += taken;
    const left = this.checkSpace();
    if (left !== space - taken) fail(`space() falls from ${space} to ${left} with ${taken} bytes added (D2)`);
  }

  send(): void {
    const maySend = this.#phase === 'connected' && !this.#closing && !this.isClosed;
    if (this.client.send() !== maySend) fail(`send() does not answer ${String(maySend)}`);
    if (maySend) this.#sent = this.#added;
    this.checkSpace();
  }

  write(bytes: number): void {
    this.add(bytes);
    this.send();
  }

  /** Adds until there is no space. */
  fill(): void {
    this.add(this.#sendBuffer, 0);
    this.expectFull();
  }

  /** Fails if bytes were acknowledged since the buffer was filled. */
  expectFull(): void {
    const space = this.checkSpace();
    if (space !== 0) fail(`space() rises to ${space} with nothing acknowledged (D2)`);
  }

  /** Withholds the piece of the running `onData`. */
  withhold(): void {
    this.client.ackLater();
    this.withheld += this.#inHand;
    this.#inHand = 0;
    this.checkSpace();
  }

  /** Acknowledges all withheld bytes and packets. */
  giveBack(): void {
    for (const packet of this.#packets.splice(0)) this.client.ackPacket(packet);
    const given = this.client.ack(this.withheld);
    if (given !== 0 && given !== this.withheld) fail(`ack(${this.withheld}) answers ${given}`);
    this.withheld = 0;
    this.checkSpace();
  }

  close(): void {
    this.client.close();
    this.#closing ||= this.#phase !== 'idle' && !this.#aborted && !this.#errorReported;
    if (this.#closing) this.#sent = this.#added;
    this.checkSpace();
  }

  /** Notes that another part of the program has closed the client, as `AsyncServer.end` does. */
  wasClosed(): void {
    this.#closing ||= this.#phase === 'connected' && !this.#aborted && !this.#errorReported && !this.isClosed;
    if (this.#closing) this.#sent = this.#added;
  }

  shutdown(): void {
    const state = this.client.state();
    const stands = state === TcpState.ESTABLISHED || state === TcpState.CLOSE_WAIT;
    const expected = stands && !this.#closing ? ErrorCode.ERR_OK : ErrorCode.ERR_CONN;
    const code = this.client.shutdown();
    if (code !== expected) fail(`shutdown() answers ${code} in state ${state}`);
    if (code === ErrorCode.ERR_OK) {
      this.#shut = true;
      this.#sent = this.#added;
    }
    this.checkSpace();
  }

  abort(): void {
    const expected = this.isClosed ? ErrorCode.ERR_CONN : ErrorCode.ERR_ABRT;
    const code = this.client.abort();
    if (code !== expected) fail(`abort() answers ${code}, not ${expected}`);
    this.wasAborted(code === ErrorCode.ERR_ABRT);
    this.checkSpace();
  }

  /** Notes that this end has ended the connection, for example by an `AbortSignal`. */
  wasAborted(now = true): void {
    this.#aborted ||= now;
  }

  /** Throws from the running callback, which must be this client's. */
  throwNow(): never {
    this.wasAborted(!this.isClosed);
    this.#log.thrown += 1;
    throw INJECTED_ERROR;
  }
}

function unused(): void {
  // Only the checks before and after it count.
}
