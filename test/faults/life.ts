/**
 * A client whose callbacks are checked against the contract while errors are injected: they come in the order
 * of L2 and L3, and the bytes that arrive are the bytes that were sent, from the first one on.
 */
import { ErrorCode, type AsyncClient } from 'asynctcp';
import { pattern } from '../contract/pattern.js';

/**
 * All streams of a workload have the same bytes, so that an echo can be checked without knowing its client.
 */
const SEED = 7;

export function stream(offset: number, length: number): Uint8Array {
  return pattern(SEED, offset, length);
}

export class Life {
  readonly name: string;
  readonly client: AsyncClient;
  readonly report: (what: string) => void;
  stands = false;
  isOver = false;
  error: ErrorCode | undefined;
  cause: Error | undefined;
  /** Bytes of the whole stream. */
  goal = 0;
  /** Bytes that `add` or `write` took. */
  sent = 0;
  received = 0;
  acked = 0;
  /** The client has received all that it expects; only the end may follow. */
  isDone = false;
  onPiece: (piece: Uint8Array) => void = () => undefined;
  onStart: () => void = () => undefined;
  onFin: () => void = () => undefined;

  constructor(name: string, client: AsyncClient, report: (what: string) => void) {
    this.name = name;
    this.client = client;
    this.report = (what) => {
      report(`${name}: ${what}`);
    };
    client.setAllowHalfOpen(true);
    client.onConnect(() => {
      this.#alive('onConnect');
      if (this.stands) this.report('onConnect comes twice');
      this.stands = true;
      this.onStart();
    });
    client.onData((_, piece) => {
      this.#alive('onData');
      this.#take(piece);
    });
    client.onEnd(() => {
      this.#alive('onEnd');
      this.onFin();
    });
    client.onError((_, code, cause) => {
      this.#alive('onError');
      this.error = code;
      this.cause = cause;
    });
    client.onDisconnect(() => {
      if (this.isOver) this.report('onDisconnect comes twice');
      this.isOver = true;
    });
  }

  reportAcks(then: () => void): void {
    this.client.onAck((_, bytes) => {
      this.#alive('onAck');
      this.acked += bytes;
      if (this.acked > this.sent) this.report(`${this.acked} bytes acknowledged of ${this.sent}`);
      then();
    });
  }

  connect(port: number): void {
    if (!this.client.connect('127.0.0.1', port)) this.report('connect answers false');
  }

  #alive(callback: string): void {
    if (this.isOver || this.error !== undefined) this.report(`${callback} after the end`);
  }

  #take(piece: Uint8Array): void {
    const expected = stream(this.received, piece.length);
    if (Buffer.compare(expected, piece) !== 0) this.report(`other bytes from ${this.received} on`);
    this.received += piece.length;
    this.onPiece(piece);
  }

  /** Writes the next bytes of the stream, up to `end`, as many as there is space for. */
  writeUpTo(end = this.goal, flags?: number): void {
    if (this.sent >= end) return;
    const piece = stream(this.sent, Math.min(end - this.sent, this.client.space()));
    this.sent += this.client.write(piece, flags);
  }

  toString(): string {
    const end = this.isOver ? `over, error ${this.error ?? 'none'} ${this.cause?.message ?? ''}` : 'not over';
    return `${this.name}: ${this.sent} sent, ${this.received} received, ${this.acked} acked, ${end}`;
  }
}
