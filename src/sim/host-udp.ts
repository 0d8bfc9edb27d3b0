/** A UDP socket of a host, for programs that run in a network: each datagram is an event. */
import type { UdpSendFailure, UdpSocket } from '../netstack/udp.js';
import { Address } from '../netstack/wire/address.js';
import { enterCallback, leaveCallback } from '../support/callback-scope.js';
import { showValue } from '../support/check-options.js';

/** Largest port. */
export const MOST_PORT = 65_535;

const encoder = new TextEncoder();

/** The other end of a datagram. */
export interface UdpEnd {
  readonly address: string;
  readonly port: number;
}

export interface UdpOptions {
  /** An address of the host. Default: all. */
  readonly address?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Called for each datagram, in their order. */
  readonly onDatagram?: (bytes: Uint8Array, from: UdpEnd, socket: HostUdp) => unknown;
  /**
   * Called when ICMP has reported that datagrams to `to` do not arrive. `hard`: the port is closed there.
   * `soft`: there is no route now. Default: the error is forgotten.
   */
  readonly onError?: (kind: 'hard' | 'soft', to: UdpEnd, socket: HostUdp) => unknown;
}

/** The boot that the socket belongs to. */
interface Life {
  readonly isDead: boolean;
  wake(): void;
}

export class HostUdp {
  readonly #socket: UdpSocket;
  readonly #life: Life;
  readonly #options: UdpOptions;

  constructor(socket: UdpSocket, life: Life, options: UdpOptions) {
    this.#socket = socket;
    this.#life = life;
    this.#options = options;
    socket.owner = this;
  }

  /** Port of the host. */
  get port(): number {
    return this.#socket.localPort;
  }

  /** True until `close`, or the end of the boot. */
  get isOpen(): boolean {
    return !this.#socket.isClosed && !this.#life.isDead;
  }

  /**
   * Sends a datagram; a text as UTF-8. Returns the reason if nothing was sent.
   * @throws TypeError if the address is none of IP; RangeError for a port that is none.
   */
  send(data: Uint8Array | string, address: string, port: number): UdpSendFailure | undefined {
    const bytes = typeof data === 'string' ? encoder.encode(data) : data;
    const to = parseAddress(address);
    if (!Number.isInteger(port) || port < 0 || port > MOST_PORT) {
      throw new RangeError(`port must be a whole number of 0 to ${MOST_PORT}, not ${showValue(port)}`);
    }
    if (!this.isOpen) return 'closed';
    const failure = this.#socket.send(bytes, to, port);
    this.#life.wake();
    return failure;
  }

  /** Frees the port; what waits is dropped. */
  close(): void {
    this.#socket.close();
  }

  /** Passes an error or a datagram to the program. Returns false if none waits. Only the boot calls it. */
  passNext(): boolean {
    const { onDatagram, onError } = this.#options;
    const error = this.#socket.takeError();
    if (error !== undefined && error.kind !== 'tooBig') {
      const { kind, destination, quoted } = error;
      const to = { address: destination.toString(), port: quoted.getUint16(2) };
      call(() => onError?.(kind, to, this));
      return true;
    }
    const datagram = this.#socket.receive();
    if (datagram === undefined) return false;
    const from = { address: datagram.address.toString(), port: datagram.port };
    call(() => onDatagram?.(datagram.bytes, from, this));
    return true;
  }
}

function call(handler: () => unknown): void {
  enterCallback();
  try {
    handler();
  } finally {
    leaveCallback();
  }
}

/**
 * Returns the address of a text.
 * @throws TypeError if it is none.
 */
export function parseAddress(text: string): Address {
  const address = Address.parse(text);
  if (address === undefined) throw new TypeError(`'${text}' is no IP address`);
  return address;
}
