/** A network interface of a host: a device, its addresses, and the frames that come in through it. */
import type { Device } from '../device.js';
import type { Frame } from '../frame.js';
import type { Address } from '../wire/address.js';
import type { Prefix } from './prefix.js';

/** Addresses of one interface. */
export const MOST_ADDRESSES = 64;

/** Takes the frames of an interface. */
export interface FrameInput {
  /** Takes a frame, and owns it from now on. */
  receiveFrame(netInterface: NetInterface, frame: Frame): void;
}

export class NetInterface {
  readonly name: string;
  readonly device: Device;
  readonly isLoopback: boolean;
  readonly #input: FrameInput;
  readonly #addresses: Prefix[] = [];

  constructor(name: string, device: Device, input: FrameInput, isLoopback: boolean) {
    this.name = name;
    this.device = device;
    this.isLoopback = isLoopback;
    this.#input = input;
  }

  /** Addresses, each with the length of its link's prefix. */
  get addresses(): readonly Prefix[] {
    return this.#addresses;
  }

  /** Takes a frame that the device has received, and owns it from now on. */
  receive(frame: Frame): void {
    this.#input.receiveFrame(this, frame);
  }

  /** Adds an address. Returns false if there are too many. */
  addAddress(address: Prefix): boolean {
    if (this.#addresses.length >= MOST_ADDRESSES) return false;
    this.#addresses.push(address);
    return true;
  }

  removeAddress(address: Address): void {
    const index = this.#addresses.findIndex((own) => own.address.equals(address));
    if (index >= 0) this.#addresses.splice(index, 1);
  }

  hasWords(a: number, b: number, c: number, d: number): boolean {
    for (const { address } of this.#addresses) {
      if (address.d === d && address.c === c && address.b === b && address.a === a) return true;
    }
    return false;
  }

  /** Returns true if the word is the broadcast address of one of this interface's IPv4 subnets. */
  isBroadcastWord(word: number): boolean {
    for (const own of this.#addresses) if (own.isBroadcastWord(word)) return true;
    return false;
  }
}
