/**
 * A socket descriptor as Linux's programs know it, on the raw API. The rules here are those of the system
 * calls (blocking, errors that one call returns, MSG_MORE), not of TCP.
 */
import type { TcpFailure, TcpListenerSocket, TcpRefusal, TcpSocket } from '#src/netstack/raw-api.js';
import { TcpState } from '#src/netstack/tcp/state.js';

/** The result of a call: a number, or the name of the error; `undefined` while the call would block. */
export type Outcome = number | string | undefined;

const ERROR_OF_FAILURE: Readonly<Record<TcpFailure, string>> = {
  reset: 'ECONNRESET',
  refused: 'ECONNREFUSED',
  timedOut: 'ETIMEDOUT',
  unreachable: 'EHOSTUNREACH',
  noMemory: 'ENOMEM',
  aborted: 'ECONNABORTED',
};

export const ERROR_OF_REFUSAL: Readonly<Record<TcpRefusal, string>> = {
  inUse: 'EADDRINUSE',
  noPort: 'EADDRNOTAVAIL',
  noMemory: 'ENOMEM',
  unreachable: 'ENETUNREACH',
  notLocal: 'EADDRNOTAVAIL',
};

export class Descriptor {
  connection: TcpSocket | undefined;
  listener: TcpListenerSocket | undefined;
  boundPort: number | undefined;
  isNonBlocking = false;
  isConnecting = false;
  /** What SO_SNDBUF admits: Linux doubles it. `undefined`: what the connection has. */
  sendLimit: number | undefined;
  /** TCP_MAXSEG, which the profile has from the beginning. */
  mss: number | undefined;
  noDelay = false;
  /** TCP_CORK. */
  isCorked = false;
  lingersMs: number | undefined;
  #keepAlive = { isOn: false, idleMs: 7_200_000, intervalMs: 75_000, probes: 9 };
  #userTimeoutMs = 0;
  #isReadShut = false;
  #isWriteShut = false;
  #isFailureTold = false;
  #holdsMore = false;

  /** The descriptor that `accept` returns has the options of the listener. */
  inherit(listener: Descriptor): void {
    this.noDelay = listener.noDelay;
    this.sendLimit = listener.sendLimit;
    this.mss = listener.mss;
    this.isCorked = listener.isCorked;
    this.#keepAlive = { ...listener.#keepAlive };
    this.#userTimeoutMs = listener.#userTimeoutMs;
  }

  setConnection(connection: TcpSocket): void {
    this.connection = connection;
    if (this.noDelay) connection.setNoDelay(true);
    if (this.isCorked) connection.setCork(true);
    if (this.#userTimeoutMs > 0) connection.setUserTimeout(this.#userTimeoutMs);
    this.#applyKeepAlive();
  }

  setKeepAlive(change: Partial<{ isOn: boolean; idleMs: number; intervalMs: number; probes: number }>): void {
    this.#keepAlive = { ...this.#keepAlive, ...change };
    this.#applyKeepAlive();
  }

  #applyKeepAlive(): void {
    const { isOn, idleMs, intervalMs, probes } = this.#keepAlive;
    if (isOn) this.connection?.setKeepAlive(idleMs, intervalMs, probes);
    else this.connection?.setKeepAlive(0, intervalMs, probes);
  }

  setUserTimeout(ms: number): void {
    this.#userTimeoutMs = ms;
    this.connection?.setUserTimeout(ms);
  }

  /** Sets TCP_NODELAY. Linux sends what TCP_CORK or MSG_MORE hold back, once. */
  setNoDelay(on: boolean): void {
    this.noDelay = on;
    this.connection?.setNoDelay(on);
    if (!on) return;
    this.releaseMore();
    this.connection?.setCork(false);
    this.connection?.push();
    this.connection?.setCork(this.isCorked);
  }

  /** Ends what MSG_MORE holds back: Linux keeps the flag of a call no longer than until a segment arrives. */
  releaseMore(): void {
    if (!this.#holdsMore) return;
    this.#holdsMore = false;
    this.connection?.setCork(this.isCorked);
    this.connection?.push();
  }

  setCork(on: boolean): void {
    this.isCorked = on;
    this.connection?.setCork(on);
    if (!on) this.connection?.push();
  }

  /** Returns the error of the end of the connection, the first time that a call asks. */
  takeError(): string | undefined {
    const failure = this.connection?.failure;
    if (failure === undefined || this.#isFailureTold) return undefined;
    this.#isFailureTold = true;
    return ERROR_OF_FAILURE[failure];
  }

  /** Returns the outcome of a `connect` that has begun. */
  connected(): Outcome {
    const error = this.takeError();
    if (error !== undefined) return error;
    const state = this.connection?.state ?? TcpState.CLOSED;
    if (state === TcpState.SYN_SENT || state === TcpState.SYN_RECEIVED) return undefined;
    this.isConnecting = false;
    return 0;
  }

  read(most: number): Outcome {
    const { connection } = this;
    if (connection === undefined) return 'ENOTCONN';
    let count = 0;
    while (count < most) {
      const bytes = connection.peek(most - count);
      if (bytes.length === 0) break;
      if (bytes.some((byte) => byte !== 0)) throw new Error('the data is not what the script has sent');
      count += bytes.length;
      connection.skip(bytes.length);
      connection.consume(bytes.length);
    }
    if (count > 0 || most === 0) return count;
    if (connection.hasEnded()) return 0;
    const error = this.takeError();
    if (error !== undefined) return error;
    return this.#isReadShut || connection.state === TcpState.CLOSED ? 0 : undefined;
  }

  /** Writes as much of `length` zeros as there is room for; `isMore`: MSG_MORE. */
  write(length: number, isMore: boolean): Outcome {
    const { connection } = this;
    if (connection === undefined) return 'EPIPE';
    const error = this.takeError();
    if (error !== undefined) return error;
    if (this.#isWriteShut || connection.state === TcpState.CLOSED) return 'EPIPE';
    if (connection.state === TcpState.SYN_SENT || connection.state === TcpState.SYN_RECEIVED)
      return undefined;
    const room = Math.min(connection.sendSpace(), (this.sendLimit ?? Infinity) - connection.unacknowledged());
    if (room <= 0 && length > 0) return undefined;
    this.#holdsMore = isMore;
    connection.setCork(isMore || this.isCorked);
    const written = connection.write(new Uint8Array(Math.min(length, room)));
    connection.push();
    return written;
  }

  shutdown(how: 'SHUT_RD' | 'SHUT_WR' | 'SHUT_RDWR'): Outcome {
    const { connection } = this;
    if (connection === undefined) return this.listener === undefined ? 'ENOTCONN' : 0;
    if (how !== 'SHUT_WR') this.#isReadShut = true;
    if (how === 'SHUT_RD' || this.#isWriteShut) return 0;
    this.#isWriteShut = true;
    connection.setCork(false);
    connection.shutdown();
    return 0;
  }

  close(): void {
    this.listener?.close();
    if (this.lingersMs === 0) this.connection?.abort();
    else this.connection?.close();
  }
}
