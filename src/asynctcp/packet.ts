/** A piece of received data in the stack's memory: `onPacket` gets it, `ackPacket` gives it back. */
import type { Loan } from '../port/tcp-stack.js';

/** The connection that a packet is given back to. */
export interface PacketOwner {
  /** The core of the connection's client. */
  readonly core: object;
  /** Opens the window by `bytes`. */
  ack(bytes: number): void;
}

let giveBack: (packet: Packet, core: object) => boolean;

export class Packet {
  /**
   * A view of the receive buffer, valid until `ackPacket`: after that the memory may hold other bytes. Copy
   * bytes that you want to keep longer.
   */
  readonly data: Uint8Array;
  /** Bytes in the packet when it was delivered, also if `data` was transferred to a thread since. */
  readonly length: number;
  /** The connection to give the packet back to; `undefined` once it has the packet back. */
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

  /** Makes a packet that belongs to no connection. The packets of connections come from `onPacket`. */
  constructor(data: Uint8Array, owner?: PacketOwner, loan?: Loan) {
    this.data = data;
    this.length = data.length;
    this.#owner = owner;
    this.#loan = loan;
  }
}

/**
 * Gives a packet back to its connection, also after the end of the connection. Returns true if the packet was
 * outstanding and its connection is that of the client with this core.
 */
export function returnPacket(packet: Packet, core: object): boolean {
  return giveBack(packet, core);
}
