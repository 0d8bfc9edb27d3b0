/**
 * A client whose `space()` is asked for in every callback, before and after what is done there, and a model
 * of what it must answer: at all times the send buffer less what was added and not acknowledged, and 0 from
 * the moment of the end (contract L6 and D2). The model also holds a life to L1, L2 and L3: one callback at
 * a time, one `onError` directly followed by one `onDisconnect`, and nothing after it.
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

export type EventName =
  'accepted' | 'connect' | 'data' | 'packet' | 'ack' | 'timeout' | 'poll' | 'end' | 'error' | 'disconnect';

/** What all witnesses of a case write into. */
export interface Log {
  /** Answers of `space()` that were checked, and calls of `onError`. */
  spaces: number;
  errors: number;
  /** Exceptions that handlers have thrown on purpose. */
  thrown: number;
  /** The client whose callback runs. */
  running: Witness | undefined;
  /** The client whose `onDisconnect` has to come next. */
  ending: Witness | undefined;
  /** The first thing that was wrong. */
  failure: Error | undefined;
}

export const STRUCK = new Error('thrown by a handler on purpose');

/** What is sent; its content does not matter here. */
const BYTES = new Uint8Array(1 << 20);
const ONE = new Uint8Array(1);
/** Nobody listens on this port, and the system gives it to no client. */
const UNUSED_PORT = 1;

function fail(what: string): never {
  throw new ExpectationFailure(what);
}

export abstract class Witness {
  readonly client: AsyncClient;
  readonly #log: Log;
  readonly #sendBuffer: number;
  /** The code of `onError` when it was not this end that aborted. */
  faultCode: ErrorCode = ErrorCode.ERR_RST;

  // What is known of the present life.

  #phase: 'rest' | 'dialing' | 'stands' = 'rest';
  #closing = false;
  #shut = false;
  #aborted = false;
  /** `state()` was `CLOSED` once: it stays so up to the next `connect`. */
  #wasClosed = true;
  #toldOfError = false;
  /** The peer's FIN came. */
  ended = false;
  #added = 0;
  #sent = 0;
  #acked = 0;
  /** Bytes by which `space()` has risen again. */
  #accepted = 0;
  #inHand = 0;
  withheld = 0;
  /** Of all lives: those of former ones are not taken back any more. */
  readonly #packets: Packet[] = [];

  constructor(client: AsyncClient, log: Log, sendBuffer: number) {
    this.client = client;
    this.#log = log;
    this.#sendBuffer = sendBuffer;
    client.setAllowHalfOpen(true);
    client.onConnect(() => this.#happened('connect'));
    client.onDisconnect(() => this.#happened('disconnect'));
    client.onError((_, code) => this.#happened('error', code));
    client.onPoll(() => this.#happened('poll'));
    client.onEnd(() => this.#happened('end'));
    client.onData((_, data) => this.#happened('data', data.length));
  }

  /** What else is done in a callback. */
  protected abstract act(event: EventName): void;

  /** Who this is, for the message of a failure. */
  abstract name(): string;

  get atRest(): boolean {
    return this.#phase === 'rest';
  }

  get isClosed(): boolean {
    return this.client.state() === TcpState.CLOSED;
  }

  // ---- a life

  connect(host: string, port: number, options?: ConnectOptions): void {
    this.#begin('dialing');
    if (!this.client.connect(host, port, options)) fail('connect answers false');
    this.look();
  }

  /** In `onClient`. */
  accepted(): void {
    this.#begin('stands');
    this.#happened('accepted');
  }

  #begin(phase: 'dialing' | 'stands'): void {
    if (this.#phase !== 'rest') fail('a life begins before the last one is over');
    this.#phase = phase;
    this.#closing = this.#shut = this.#aborted = this.#wasClosed = this.#toldOfError = this.ended = false;
    this.#added = this.#sent = this.#acked = this.#accepted = this.#inHand = this.withheld = 0;
  }

  /** Which of the callbacks that change what the stack does are wanted in this life. */
  listen(acks: boolean, timeouts: boolean, packets: boolean): void {
    const { client } = this;
    client.onAck(acks ? (_, bytes) => this.#happened('ack', bytes) : undefined);
    client.onTimeout(timeouts ? () => this.#happened('timeout') : undefined);
    client.onPacket(packets ? (_, packet) => this.#tookPacket(packet) : undefined);
  }

  #tookPacket(packet: Packet): void {
    this.#packets.push(packet);
    this.#happened('packet');
  }

  #happened(event: EventName, detail = 0): void {
    const log = this.#log;
    // What comes after a failure is of no interest.
    if (log.failure !== undefined) return;
    if (log.running !== undefined) this.#wrong(event, new Error('a callback inside another (L1)'));
    log.running = this;
    try {
      this.#write(event, detail);
      this.look();
      this.act(event);
      this.look();
    } catch (error) {
      if (error === STRUCK) throw error;
      this.#wrong(event, error);
    } finally {
      log.running = undefined;
      this.later(unused);
    }
  }

  /** Brings the model up to date with a callback. */
  #write(event: EventName, detail: number): void {
    if (this.#phase === 'rest') fail('a callback after onDisconnect (L2)');
    if (this.#log.ending !== undefined && (this.#log.ending !== this || event !== 'disconnect')) {
      fail('a callback between onError and onDisconnect (L3)');
    }
    if (event === 'connect') this.#phase = 'stands';
    else if (event === 'end') this.ended = true;
    else if (event === 'data') this.#inHand = detail;
    else if (event === 'ack') this.#writeAck(detail);
    else if (event === 'error') this.#writeError(detail);
    else if (event === 'disconnect') this.#writeEnd();
  }

  #writeAck(bytes: number): void {
    this.#acked += bytes;
    if (!Number.isInteger(bytes) || bytes <= 0 || this.#acked > this.#sent) {
      fail(`onAck tells of ${bytes} bytes, in all ${this.#acked}, of which ${this.#sent} were sent`);
    }
    this.#accepted = Math.max(this.#accepted, this.#acked);
  }

  #writeError(code: number): void {
    this.#toldOfError = true;
    this.#log.ending = this;
    this.#log.errors += 1;
    const expected = this.#aborted ? ErrorCode.ERR_ABRT : this.faultCode;
    if (code !== expected) fail(`onError tells of ${code}, not of ${expected}`);
    if (this.client.connect('127.0.0.1', UNUSED_PORT)) fail('connect in onError answers true (L5)');
  }

  #writeEnd(): void {
    const mayEndWell = this.#closing || (this.#shut && this.ended);
    if (!this.#toldOfError && (this.#aborted || !mayEndWell)) fail('onDisconnect without onError (L3)');
    this.#phase = 'rest';
    this.#log.ending = undefined;
  }

  #wrong(where: string, error: unknown): void {
    this.#log.failure ??= new ExpectationFailure(
      `${this.name()}, ${where}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }

  /** Does something when the running callback, and what it called, has returned. */
  later(what: () => void): void {
    queueMicrotask(() => {
      try {
        this.look();
        what();
        this.look();
      } catch (error) {
        this.#wrong('in a microtask', error);
      }
    });
  }

  /** As `look`, from where nobody catches. */
  lookFromOutside(): void {
    try {
      this.look();
    } catch (error) {
      this.#wrong('between two callbacks', error);
    }
  }

  // ---- what the model knows of `space()`

  /** Asks for `space()` and checks the answer. */
  look(): number {
    const state = this.client.state();
    const space = this.client.space();
    this.#log.spaces += 1;
    this.#checkState(state);
    if (state === TcpState.CLOSED || this.#phase !== 'stands' || this.#closing || this.#shut) {
      this.#checkNothingFits(state, space);
      return space;
    }
    const accepted = space - (this.#sendBuffer - this.#added);
    // Between these two bounds it is an integer of at least 0 and at most the send buffer.
    if (!Number.isInteger(accepted) || accepted < this.#accepted || accepted > this.#sent) {
      fail(
        `space() is ${space} with ${this.#added} bytes added, ${this.#sent} of them sent, and at least ` +
          `${this.#accepted} of those acknowledged, of a buffer of ${this.#sendBuffer}`,
      );
    }
    this.#accepted = accepted;
    return space;
  }

  #checkState(state: TcpState): void {
    const isOver = this.#phase === 'rest' || this.#aborted || this.#toldOfError || this.#wasClosed;
    if (state === TcpState.CLOSED) this.#wasClosed = true;
    else if (isOver) fail(`state() is ${state} after the end`);
    else if (this.#phase === 'dialing' && state !== TcpState.SYN_SENT) fail(`state() is ${state} in dialing`);
    else if (this.#phase === 'stands' && state < TcpState.ESTABLISHED)
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

  // ---- what is done

  /** Adds so many bytes, or as many as there is space for. */
  add(bytes: number, flags: number = ASYNC_WRITE_FLAG_COPY): void {
    const space = this.look();
    const taken = this.client.add(BYTES.subarray(0, bytes), flags);
    if (taken !== Math.min(bytes, space))
      fail(`add(${bytes}) takes ${taken} with a space() of ${space} (D2)`);
    this.#added += taken;
    const left = this.look();
    if (left !== space - taken) fail(`space() falls from ${space} to ${left} with ${taken} bytes added (D2)`);
  }

  send(): void {
    const maySend = this.#phase === 'stands' && !this.#closing && !this.isClosed;
    if (this.client.send() !== maySend) fail(`send() does not answer ${String(maySend)}`);
    if (maySend) this.#sent = this.#added;
    this.look();
  }

  write(bytes: number): void {
    this.add(bytes);
    this.send();
  }

  /** Adds until nothing fits any more. */
  fill(): void {
    this.add(this.#sendBuffer, 0);
    this.expectFull();
  }

  /** Nothing was acknowledged since the buffer was filled. */
  expectFull(): void {
    const space = this.look();
    if (space !== 0) fail(`space() rises to ${space} with nothing acknowledged (D2)`);
  }

  /** In `onData`. */
  withhold(): void {
    this.client.ackLater();
    this.withheld += this.#inHand;
    this.#inHand = 0;
    this.look();
  }

  /** Gives back what was withheld. */
  giveBack(): void {
    for (const packet of this.#packets.splice(0)) this.client.ackPacket(packet);
    const given = this.client.ack(this.withheld);
    if (given !== 0 && given !== this.withheld) fail(`ack(${this.withheld}) answers ${given}`);
    this.withheld = 0;
    this.look();
  }

  close(): void {
    this.client.close();
    this.#closing ||= this.#phase !== 'rest' && !this.#aborted && !this.#toldOfError;
    if (this.#closing) this.#sent = this.#added;
    this.look();
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
    this.look();
  }

  abort(): void {
    const expected = this.isClosed ? ErrorCode.ERR_CONN : ErrorCode.ERR_ABRT;
    const code = this.client.abort();
    if (code !== expected) fail(`abort() answers ${code}, not ${expected}`);
    this.wasAborted(code === ErrorCode.ERR_ABRT);
    this.look();
  }

  /** It ended by what this end did, an `AbortSignal` for example. */
  wasAborted(now = true): void {
    this.#aborted ||= now;
  }

  /** An exception out of the running callback, which must be this client's. */
  throwNow(): never {
    this.wasAborted(!this.isClosed);
    this.#log.thrown += 1;
    throw STRUCK;
  }
}

function unused(): void {
  // The look before and after it is all.
}
