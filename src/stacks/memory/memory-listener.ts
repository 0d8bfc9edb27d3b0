/** A listener. Connections are established when they reach it, and are shown to the program in that order. */
import type { Endpoint, Listener, ListenerEvents } from '../../port/tcp-stack.js';
import type { Machine } from './machine.js';
import { shortageFault } from './memory-attempt.js';
import { MemoryConnection } from './memory-connection.js';
import type { Binding } from './ports.js';
import type { Acceptor, End } from './wire.js';

export class MemoryListener implements Listener, Acceptor {
  readonly local: Endpoint;
  readonly #machine: Machine;
  readonly #binding: Binding;
  readonly #receiveWindowBytes: number | undefined;
  #events: ListenerEvents | undefined;

  constructor(machine: Machine, binding: Binding, events: ListenerEvents, receiveWindowBytes?: number) {
    const { network, listeners } = machine;
    this.local = binding;
    this.#machine = machine;
    this.#binding = binding;
    this.#receiveWindowBytes = receiveWindowBytes;
    this.#events = events;
    listeners.add(this);
    network.acceptors.add(this);
    network.turns.event(() => this.#events?.onListening());
  }

  accept(near: End): void {
    const ends = { local: near.remote, remote: near.local };
    const far = new MemoryConnection(this.#machine, ends, this.#receiveWindowBytes);
    far.join(near);
    near.join(far);
    this.#machine.network.turns.event(() => this.#show(far));
  }

  #show(far: MemoryConnection): void {
    const isShort = this.#machine.shortages.size > 0;
    // A connection that is over before the program has seen it is not shown.
    if (this.#events === undefined || far.isClosed() || isShort) {
      const isRefused = isShort && !far.isClosed();
      far.abort();
      if (isRefused) this.#events?.onAcceptFailed(shortageFault());
      return;
    }
    far.begin(() => this.#events?.onAccepted(far));
  }

  close(): void {
    if (this.#events === undefined) return;
    const { network, listeners } = this.#machine;
    this.#events = undefined;
    listeners.delete(this);
    network.acceptors.delete(this);
    network.ports.release(this.#binding);
  }

  setKeepsAlive(): void {
    // Nothing of this stack keeps the process alive.
  }
}
