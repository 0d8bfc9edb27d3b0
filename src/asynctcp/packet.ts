/** A piece of received data as the stack holds it; from `onPacket`, to be given back with `ackPacket`. */

let giveBack: (packet: Packet, owner: object) => boolean;

export class Packet {
  /** A view of the receive buffer, yours until `ackPacket`. Copy what you want to keep longer. */
  readonly data: Uint8Array;
  /** The connection that waits for the packet, until it has it back. */
  #owner: object | undefined;

  static {
    giveBack = (packet, owner) => {
      if (packet.#owner !== owner) return false;
      packet.#owner = undefined;
      return true;
    };
  }

  /** Packets come from `onPacket`; one of your own making belongs to no connection. */
  constructor(data: Uint8Array, owner?: object) {
    this.data = data;
    this.#owner = owner;
  }

  /** Bytes in the packet. */
  get length(): number {
    return this.data.length;
  }
}

/** Whether `owner` was still waiting for the packet; from now on nobody is. */
export function takeBack(packet: Packet, owner: object): boolean {
  return giveBack(packet, owner);
}
