/** Addresses and ports in use, by listeners and outgoing connections. */
import { covers } from './addresses.js';

/** The range for ports that the caller does not choose: the dynamic ports of RFC 6335 §6. */
export const FIRST_PORT = 49_152;
export const PORTS = 16_384;

export interface Binding {
  readonly address: string;
  readonly port: number;
  /** True if other bindings that are shared may have the same address and port. */
  readonly isShared: boolean;
}

export class Ports {
  readonly #bindings = new Map<number, Set<Binding>>();
  #next = 0;

  /**
   * Takes an address and a port; for port 0, one that is free. Returns `undefined` if the port is taken, or
   * if none is free.
   */
  bind(address: string, port: number, isShared: boolean): Binding | undefined {
    const chosen = port === 0 ? this.#freePort() : port;
    if (chosen === undefined) return undefined;
    const others = this.#bindings.get(chosen) ?? new Set();
    for (const other of others) {
      const overlaps = covers(other.address, address) || covers(address, other.address);
      if (overlaps && !(isShared && other.isShared)) return undefined;
    }
    const binding = { address, port: chosen, isShared };
    this.#bindings.set(chosen, others.add(binding));
    return binding;
  }

  release(binding: Binding): void {
    const others = this.#bindings.get(binding.port);
    others?.delete(binding);
    if (others?.size === 0) this.#bindings.delete(binding.port);
  }

  #freePort(): number | undefined {
    for (let tries = 0; tries < PORTS; tries += 1) {
      const port = FIRST_PORT + this.#next;
      this.#next = (this.#next + 1) % PORTS;
      if (!this.#bindings.has(port)) return port;
    }
    return undefined;
  }
}
