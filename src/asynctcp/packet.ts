/** A piece of received data as the stack holds it; from `onPacket`, to be given back with `ackPacket`. */
import type { Loan } from '../port/tcp-stack.js';

/** The connection that waits for a packet. */
export interface PacketOwner {
  /** Whose connection it is. */
  readonly core: object;
  /** Opens the window by so many bytes. */
  ack(bytes: number): void;
}

let giveBack: (packet: Packet, core: object) => boolean;

export class Packet {
  /**
   * A view of the receive buffer, yours until `ackPacket`: after that it may hold other bytes. Copy what
   * you want to keep longer.
   */
  readonly data: Uint8Array;
  /** Bytes in the packet: as many as it came with, also when `data` was transferred to a thread since. */
  readonly length: number;
  /** The connection that waits for the packet, until it has it back. */
  #owner: PacketOwner | undefined;
  readonly #loan: Loan | undefined;

  static {
    giveBack = (packet, core) => {
      const owner = packet.#owner;
      if (owner?.core !== core) return false;
      packet.#owner = undefined;
      packet.#loan?.giveBack();
      owner.ack(packet.length);
      return true;
    };
  }

  /** Packets come from `onPacket`; one of your own making belongs to no connection. */
  constructor(data: Uint8Array, owner?: PacketOwner, loan?: Loan) {
    this.data = data;
    this.length = data.length;
    this.#owner = owner;
    this.#loan = loan;
  }
}

/**
 * Gives a packet of a connection of `core`'s back, also after that has ended. Whether anybody was still
 * waiting for it.
 */
export function takeBack(packet: Packet, core: object): boolean {
  return giveBack(packet, core);
}
