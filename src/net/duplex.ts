/**
 * A Duplex over a client, on the public API of clients alone: it stands on no private part of Node, and works
 * on every runtime that has `node:stream`. The socket of `asynctcp/net` is faster, and is a `net.Socket`.
 *
 * Reading: `onData` → `ackLater` → `push`; the receive window opens when the reader has taken the bytes.
 * Writing: `write` → `add` and `send`; bytes without space wait for `onAck`.
 */
import { Duplex, type DuplexOptions } from 'node:stream';
import type { AsyncClient } from '../asynctcp/async-client.js';
import type { DisconnectReason } from '../asynctcp/handlers.js';
import { TcpError } from '../asynctcp/tcp-error.js';
import { ErrorCode } from '../port/error-code.js';
import type { WriteDone } from './node-parts.js';

/** Options of `toDuplex`. */
export type ToDuplexOptions = Pick<
  DuplexOptions,
  'allowHalfOpen' | 'highWaterMark' | 'readableHighWaterMark' | 'writableHighWaterMark' | 'signal'
>;

interface Waiting {
  readonly pieces: Uint8Array[];
  readonly done: WriteDone;
}

class ClientDuplex extends Duplex {
  readonly #client: AsyncClient;
  /** Bytes that were pushed and not acknowledged to the client. */
  #unread = 0;
  #isPaused = false;
  /** The write that waits for space, or for the connection. */
  #waiting: Waiting | undefined;
  #finish: WriteDone | undefined;
  #error: Error | undefined;
  #hasEnded = false;

  constructor(client: AsyncClient, options: ToDuplexOptions) {
    super({ ...options, allowHalfOpen: options.allowHalfOpen ?? false });
    this.#client = client;
    client.setAllowHalfOpen(true);
    client.onConnect(() => {
      this.#goOn();
    });
    client.onData((_, data) => {
      this.#received(data);
    });
    client.onEnd(() => {
      this.#end();
    });
    client.onError((_, code, cause) => {
      this.#error = cause ?? new TcpError(code, 'carry a stream');
    });
    client.onDisconnect((_, reason) => {
      this.#over(reason);
    });
    // A client of `open` or of a server may have data waiting already.
    if (!client.connecting()) client.resume();
  }

  // ---- reading

  #received(data: Uint8Array): void {
    this.#client.ackLater();
    this.#unread += data.length;
    if (!this.push(data)) this.#pause(true);
    this.#acknowledge();
  }

  override _read(): void {
    this.#acknowledge();
    this.#pause(false);
  }

  /** Opens the window by what the reader has taken. */
  #acknowledge(): void {
    const taken = this.#unread - Math.min(this.#unread, this.readableLength);
    if (taken === 0) return;
    this.#unread -= taken;
    this.#client.ack(taken);
  }

  #pause(on: boolean): void {
    if (on === this.#isPaused) return;
    this.#isPaused = on;
    if (on) this.#client.pause();
    else this.#client.resume();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.push(null);
    // A consumer that has not begun to read sees the end all the same.
    this.read(0);
  }

  // ---- writing

  override _write(chunk: unknown, _encoding: string, done: WriteDone): void {
    this.#send({ pieces: chunk instanceof Uint8Array ? [chunk] : [], done });
  }

  override _writev(chunks: readonly { chunk: unknown }[], done: WriteDone): void {
    const pieces = chunks.map(({ chunk }) => chunk).filter((chunk) => chunk instanceof Uint8Array);
    this.#send({ pieces, done });
  }

  #send(waiting: Waiting): void {
    this.#waiting = waiting;
    this.#goOn();
  }

  /** Adds what there is space for. */
  #goOn(): void {
    const client = this.#client;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      const { pieces } = waiting;
      for (let first = pieces[0]; first !== undefined; first = pieces[0]) {
        const taken = first.length === 0 ? 0 : client.add(first);
        if (taken < first.length) {
          pieces[0] = first.subarray(taken);
          break;
        }
        pieces.shift();
      }
      client.send();
      this.#awaitSpace(pieces.length > 0);
      if (pieces.length > 0) return;
      this.#waiting = undefined;
      waiting.done();
    }
    if (this.#finish !== undefined && !client.connecting()) this.#shutDown(this.#finish);
  }

  #awaitSpace(on: boolean): void {
    this.#client.onAck(on ? () => this.#goOn() : undefined);
  }

  override _final(done: WriteDone): void {
    if (this.#client.connecting()) this.#finish = done;
    else this.#shutDown(done);
  }

  #shutDown(done: WriteDone): void {
    this.#finish = undefined;
    this.#client.shutdown();
    done();
  }

  // ---- the end

  #over(reason: DisconnectReason): void {
    if (this.#error !== undefined) {
      this.destroy(this.#error);
    } else if (this.#hasEnded || reason === 'ended') {
      this.#end();
      this.#failWrites();
    } else {
      this.destroy(new TcpError(ErrorCode.ERR_CLSD, 'carry a stream'));
    }
  }

  #failWrites(): void {
    const done = this.#waiting?.done ?? this.#finish;
    this.#waiting = undefined;
    this.#finish = undefined;
    done?.(new TcpError(ErrorCode.ERR_CLSD, 'write to a stream'));
  }

  override _destroy(error: Error | null, done: WriteDone): void {
    const client = this.#client;
    this.#waiting = undefined;
    this.#finish = undefined;
    client.onAck(undefined);
    if (error === null) client.close();
    else client.abort();
    done(error);
  }
}

/**
 * Returns a Duplex over a client, which takes the client's handlers over. `end` sends FIN, `destroy` closes
 * the client, and `destroy` with an error resets the connection.
 * @param client connected or connecting.
 */
export function toDuplex(client: AsyncClient, options: ToDuplexOptions = {}): Duplex {
  return new ClientDuplex(client, options);
}
