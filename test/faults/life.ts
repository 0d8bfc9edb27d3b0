/**
 * One connection's life, held to the contract while faults happen around it: the callbacks come in the order
 * of L2 and L3, and what arrives is what was sent, from its first byte on.
 */
import { ErrorCode, type AsyncClient } from 'asynctcp';
import { pattern } from '../contract/pattern.js';

/** All streams of a scene have the same bytes: whoever echoes need not know whose they are. */
const SEED = 7;

export function stream(offset: number, length: number): Uint8Array {
  return pattern(SEED, offset, length);
}

export class Life {
  readonly name: string;
  readonly client: AsyncClient;
  readonly complain: (what: string) => void;
  stands = false;
  isOver = false;
  error: ErrorCode | undefined;
  cause: Error | undefined;
  /** The whole stream's bytes. */
  goal = 0;
  /** Bytes that `add` or `write` took, and that came. */
  sent = 0;
  received = 0;
  acked = 0;
  /** Everything is as it should be: what is to come is the end. */
  isDone = false;
  onPiece: (piece: Uint8Array) => void = () => undefined;
  onStart: () => void = () => undefined;
  onFin: () => void = () => undefined;

  constructor(name: string, client: AsyncClient, complain: (what: string) => void) {
    this.name = name;
    this.client = client;
    this.complain = (what) => {
      complain(`${name}: ${what}`);
    };
    client.setAllowHalfOpen(true);
    client.onConnect(() => {
      this.#alive('onConnect');
      if (this.stands) this.complain('onConnect comes twice');
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
      if (this.isOver) this.complain('onDisconnect comes twice');
      this.isOver = true;
    });
  }

  reportAcks(then: () => void): void {
    this.client.onAck((_, bytes) => {
      this.#alive('onAck');
      this.acked += bytes;
      if (this.acked > this.sent) this.complain(`${this.acked} bytes acknowledged of ${this.sent}`);
      then();
    });
  }

  connect(port: number): void {
    if (!this.client.connect('127.0.0.1', port)) this.complain('connect answers false');
  }

  #alive(callback: string): void {
    if (this.isOver || this.error !== undefined) this.complain(`${callback} after the end`);
  }

  #take(piece: Uint8Array): void {
    const expected = stream(this.received, piece.length);
    if (Buffer.compare(expected, piece) !== 0) this.complain(`other bytes from ${this.received} on`);
    this.received += piece.length;
    this.onPiece(piece);
  }

  /** The next bytes of the stream, up to `end`, as many as there is space for. */
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
