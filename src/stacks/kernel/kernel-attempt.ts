/** An attempt to connect on the kernel's TCP: a socket between `connect` and its outcome. */
import { connectionFault } from '../system/system-fault.js';
import type { Attempt, AttemptEvents } from '../../port/tcp-stack.js';
import type { ConnectionContext } from './connection-context.js';
import { KernelConnection } from './kernel-connection.js';
import type { AttemptOwner, SocketEnds } from './socket-loop.js';
import { systemError } from './system-error.js';

/** Target of an attempt, with the local port and the window of the connection. */
export interface Destination {
  readonly address: string;
  readonly port: number;
  /** 0: the system chose it. */
  readonly localPort: number;
  readonly receiveWindowBytes: number;
}

export class KernelAttempt implements Attempt, AttemptOwner {
  readonly context: ConnectionContext;
  readonly #slot: number;
  readonly #destination: Destination;
  /** `undefined` after the outcome. */
  #events: AttemptEvents | undefined;
  #keepsAlive = true;

  constructor(context: ConnectionContext, slot: number, destination: Destination, events: AttemptEvents) {
    this.context = context;
    this.#slot = slot;
    this.#destination = destination;
    this.#events = events;
    context.loop.adoptAttempt(slot, this);
    context.loop.keepProcess(true);
  }

  cancel(): void {
    if (this.#events === undefined) return;
    this.#letGo();
    // The slot is freed even if the call fails.
    this.context.loop.native.close(this.#slot);
  }

  holding(): 'attempts' {
    return 'attempts';
  }

  reset(): void {
    this.cancel();
  }

  setKeepsAlive(on: boolean): void {
    if (this.#events === undefined || on === this.#keepsAlive) return;
    this.#keepsAlive = on;
    this.context.loop.keepProcess(on);
  }

  onSocketConnected(ends: SocketEnds): void {
    const keepsAlive = this.#keepsAlive;
    const events = this.#letGo();
    const { receiveWindowBytes } = this.#destination;
    const connection = new KernelConnection(this.context, this.#slot, ends, receiveWindowBytes);
    connection.setKeepsAlive(keepsAlive);
    connection.begin((standing) => events?.onConnected(standing));
  }

  onSocketFailed(refusal: number): void {
    const { localPort } = this.#destination;
    const fault = connectionFault(systemError(refusal, this.#destination), localPort !== 0);
    const { native } = this.context.loop;
    const events = this.#letGo();
    native.close(this.#slot);
    events?.onFailed(fault);
  }

  onSocketBroke(): void {
    // `onConnected` threw: the connection is reset, and the exception is reported as uncaught.
  }

  /** Ends the attempt: releases the slot. Returns the receiver of its event. */
  #letGo(): AttemptEvents | undefined {
    const events = this.#events;
    this.setKeepsAlive(false);
    this.#events = undefined;
    this.context.loop.release(this.#slot);
    return events;
  }
}
