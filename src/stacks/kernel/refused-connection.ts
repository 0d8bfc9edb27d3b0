/** A connection that the system refused to begin: it has nothing but an end, which is told later. */
import { TcpState } from '../../port/tcp-state.js';
import type { Connection, ConnectionEvents, Fault } from '../../port/tcp-stack.js';

export class RefusedConnection implements Connection {
  readonly localAddress = '0.0.0.0';
  readonly localPort = 0;
  readonly remoteAddress = '0.0.0.0';
  readonly remotePort = 0;
  readonly receiveWindowBytes = 0;
  #events: ConnectionEvents | undefined;

  constructor(stack: { post(job: () => void): void }, fault: Fault, events: ConnectionEvents) {
    this.#events = events;
    stack.post(() => {
      this.#events?.closed(fault);
    });
  }

  setEvents(events: ConnectionEvents): void {
    if (this.#events !== undefined) this.#events = events;
  }

  abort(): void {
    this.#events = undefined;
  }

  state(): TcpState {
    return TcpState.CLOSED;
  }

  mss(): number {
    return 0;
  }

  sendSpace(): number {
    return 0;
  }

  unacknowledged(): number {
    return 0;
  }

  heardAgoMs(): undefined {
    // Nothing was heard.
  }

  fits(bytes: number): boolean {
    return bytes === 0;
  }

  write(): number {
    return 0;
  }

  send(): number {
    return 0;
  }

  output(): void {
    // Nothing was written.
  }

  received(): void {
    // Nothing was delivered.
  }

  setReading(): void {
    // Nothing is delivered.
  }

  setTakesLoans(): void {
    // Nothing is delivered.
  }

  setTakesViews(): void {
    // Nothing is delivered.
  }

  shutdown(): void {
    // The end is on its way.
  }

  close(): void {
    // The end is on its way.
  }

  setReportsAcks(): void {
    // Nothing is acknowledged.
  }

  setNoDelay(): void {
    // There is no socket.
  }

  setKeepAlive(): void {
    // There is no socket.
  }

  setKeepsAlive(): void {
    // The end comes at once.
  }
}
