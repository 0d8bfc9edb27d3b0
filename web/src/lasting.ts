/**
 * The connections that the end of a request does not end: those that another protocol takes over, and event
 * streams. node:http forgets the former, so that a server that ends has to end them itself.
 */
import type { Socket } from 'node:net';

/** Asks a peer to end its connection, in the words of the protocol. */
export type EndConnection = () => void;

export class LastingConnections {
  readonly #ends = new Map<Socket, EndConnection | undefined>();
  #isEnding = false;

  /**
   * Keeps a connection until it is over.
   * @param end called when the server ends; `undefined`: the protocol is not known yet.
   */
  add(socket: Socket, end?: EndConnection): void {
    const isNew = !this.#ends.has(socket);
    this.#ends.set(socket, end);
    if (isNew) {
      socket.once('close', () => {
        this.#ends.delete(socket);
      });
    }
    if (this.#isEnding) end?.();
  }

  has(socket: Socket): boolean {
    return this.#ends.has(socket);
  }

  /** Ends all connections, and those that are added from now on, until `destroy`. */
  end(): void {
    this.#isEnding = true;
    for (const end of [...this.#ends.values()]) end?.();
  }

  /** Destroys the connections that are still there. */
  destroy(): void {
    for (const socket of [...this.#ends.keys()]) socket.destroy();
  }

  /** Lets connections last again: the server has ended. */
  reset(): void {
    this.#isEnding = false;
  }
}
