/** The open sockets of a stack, for `holdings` and `close`. */

/** The owner of a socket. */
export interface OpenSocket {
  /**
   * Kind by which `holdings` counts the socket; `undefined` once no event can come from it any more.
   */
  readonly holding: 'attempts' | 'connections' | 'listeners' | 'lingering' | undefined;
  /** Closes the socket, a connection's by a reset. No event follows. */
  reset(): void;
}

export interface OpenCounts {
  readonly attempts: number;
  readonly connections: number;
  readonly listeners: number;
  readonly lingering: number;
}

export class OpenSockets {
  readonly #sockets = new Set<OpenSocket>();
  #whenEmpty: (() => void)[] = [];

  add(socket: OpenSocket): void {
    this.#sockets.add(socket);
  }

  /** Removes a socket that the runtime has closed or that another owner took over. */
  remove(socket: OpenSocket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size > 0 || this.#whenEmpty.length === 0) return;
    const resolvers = this.#whenEmpty;
    this.#whenEmpty = [];
    for (const resolve of resolvers) resolve();
  }

  /** Counts the sockets that can still bring events. */
  count(): OpenCounts {
    const counts = { attempts: 0, connections: 0, listeners: 0, lingering: 0 };
    for (const { holding } of this.#sockets) if (holding !== undefined) counts[holding] += 1;
    return counts;
  }

  /** Resets every socket. Resolves when the runtime has closed the last one. */
  resetAll(): Promise<void> {
    for (const socket of [...this.#sockets]) socket.reset();
    if (this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenEmpty.push(resolve);
    });
  }
}
