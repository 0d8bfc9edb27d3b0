/**
 * The way from an own address to another one. Its next hop and its MTU are looked up again when routes,
 * addresses or path MTUs of the host have changed; between two changes, sending looks up nothing.
 */
import type { FramePool } from '../frame.js';
import type { IpPath } from '../tcp/ip-service.js';
import type { Address } from '../wire/address.js';
import type { Hop } from './hop.js';
import type { PathMtu } from './path-mtu.js';

export interface Router {
  /** A number that changes when a next hop or an MTU may have changed. */
  readonly generation: number;
  /** Returns the next hop; `undefined` if there is none any more. */
  nextHop(source: Address, destination: Address): Hop | undefined;
  /** Returns what ICMP has said about the MTU to a destination. */
  toldMtu(destination: Address): PathMtu | undefined;
}

export class Path implements IpPath {
  readonly source: Address;
  readonly destination: Address;
  readonly headerBytes: number;
  readonly addressSum: number;
  readonly frames: FramePool;
  readonly #router: Router;
  #generation = 0;
  #hop: Hop | undefined;
  #mtu = 0;
  #mayFragment = false;

  constructor(source: Address, destination: Address, hop: Hop, router: Router) {
    this.source = source;
    this.destination = destination;
    this.headerBytes = source.family === 4 ? 20 : 40;
    this.addressSum = sumOfAddress(source) + sumOfAddress(destination);
    this.frames = hop.netInterface.device.frames;
    this.#router = router;
    this.#set(hop);
  }

  get mtu(): number {
    if (this.#generation !== this.#router.generation) this.#refresh();
    return this.#mtu;
  }

  get linkMtu(): number {
    return this.hop?.mtu ?? this.#mtu;
  }

  /** True: the path's MTU is lower than what is believed, and routers have to fragment. */
  get mayFragment(): boolean {
    if (this.#generation !== this.#router.generation) this.#refresh();
    return this.#mayFragment;
  }

  get isOnLink(): boolean {
    return this.hop?.isOnLink ?? false;
  }

  /** The next hop; `undefined` if no interface leads there any more. */
  get hop(): Hop | undefined {
    if (this.#generation !== this.#router.generation) this.#refresh();
    return this.#hop;
  }

  #refresh(): void {
    this.#set(this.#router.nextHop(this.source, this.destination));
  }

  #set(hop: Hop | undefined): void {
    this.#generation = this.#router.generation;
    this.#hop = hop;
    if (hop === undefined) return;
    const told = this.#router.toldMtu(this.destination);
    this.#mtu = Math.min(hop.mtu, told?.mtu ?? Infinity);
    this.#mayFragment = told?.mayFragment ?? false;
  }
}

/** Returns the sum of an address's 16-bit words; an IPv4 address has two. */
export function sumOfAddress(address: Address): number {
  const low = (address.d >>> 16) + (address.d & 0xffff);
  if (address.family === 4) return low;
  const { a, b, c } = address;
  return low + (a >>> 16) + (a & 0xffff) + (b >>> 16) + (b & 0xffff) + (c >>> 16) + (c & 0xffff);
}
