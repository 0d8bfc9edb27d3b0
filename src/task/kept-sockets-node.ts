/**
 * The listening sockets of one task, kept open by the supervisor from one thread of the task to the next: the
 * connections that wait to be accepted outlive the thread.
 */
import { loadAddon } from '../addon/load-addon.js';
import { handOver, type HandedDescriptor } from './handed-descriptor-node.js';

export class KeptSockets {
  readonly #descriptors = new Map<string, number>();
  /** True if the tasks end: nothing more is kept. */
  #isClosed = false;

  /** Takes over a descriptor. */
  keep(place: string, descriptor: number): void {
    this.drop(place);
    this.#descriptors.set(place, descriptor);
    if (this.#isClosed) this.drop(place);
  }

  /** Closes all descriptors, and those that come. */
  close(): void {
    this.#isClosed = true;
    for (const place of this.places()) this.drop(place);
  }

  /** Closes the descriptor of a place, if there is one. */
  drop(place: string): void {
    const descriptor = this.#descriptors.get(place);
    if (descriptor === undefined) return;
    this.#descriptors.delete(place);
    loadAddon().addon?.closeDescriptor(descriptor);
  }

  places(): string[] {
    return [...this.#descriptors.keys()];
  }

  /** Offers a duplicate to a thread; `undefined` if there is no socket. */
  handOver(place: string): HandedDescriptor | undefined {
    const descriptor = this.#descriptors.get(place);
    return descriptor === undefined ? undefined : handOver(descriptor);
  }
}
