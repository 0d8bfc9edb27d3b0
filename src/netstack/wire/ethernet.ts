/** Ethernet II headers (IEEE 802.3 clause 3, RFC 894, RFC 2464) and the 48-bit addresses in them. */
import type { Address } from './address.js';

export const ETHERNET_HEADER_BYTES = 14;

export const EtherType = { IPV4: 0x0800, ARP: 0x0806, IPV6: 0x86dd } as const;

/** An Ethernet address: two numbers, so that it is compared and written without a loop. */
export class MacAddress {
  /** First two bytes. */
  readonly high: number;
  /** Last four bytes, as a signed word. */
  readonly low: number;

  constructor(high: number, low: number) {
    this.high = high & 0xffff;
    this.low = low | 0;
  }

  /** Returns the address of a text as '02:00:00:00:00:01'; `undefined` if it is none. */
  static parse(text: string): MacAddress | undefined {
    if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = text.split(':').map((part) => parseInt(part, 16));
    return new MacAddress((a << 8) | b, (c << 24) | (d << 16) | (e << 8) | f);
  }

  /** Reads an address. */
  static at(view: DataView, at: number): MacAddress {
    return new MacAddress(view.getUint16(at), view.getInt32(at + 2));
  }

  /** Returns a locally administered address by chance. */
  static random(random: () => number): MacAddress {
    return new MacAddress(0x0200, Math.floor(random() * 0x1_0000_0000));
  }

  get isGroup(): boolean {
    return (this.high & 0x0100) !== 0;
  }

  equals(other: MacAddress): boolean {
    return this.low === other.low && this.high === other.high;
  }

  write(view: DataView, at: number): void {
    view.setUint16(at, this.high);
    view.setInt32(at + 2, this.low);
  }

  toString(): string {
    const digits = this.high.toString(16).padStart(4, '0') + (this.low >>> 0).toString(16).padStart(8, '0');
    return digits.replace(/(..)(?=.)/g, '$1:');
  }
}

export const BROADCAST_MAC = new MacAddress(0xffff, -1);
export const ZERO_MAC = new MacAddress(0, 0);

/**
 * Returns the link address of a group (RFC 1112 §6.4, RFC 2464 §7), or that of all for a broadcast address.
 */
export function groupMac(address: Address): MacAddress {
  if (!address.isMulticast()) return BROADCAST_MAC;
  if (address.family === 6) return new MacAddress(0x3333, address.d);
  return new MacAddress(0x0100, 0x5e00_0000 | (address.d & 0x7f_ffff));
}

export function writeEthernet(
  view: DataView,
  at: number,
  to: MacAddress,
  from: MacAddress,
  etherType: number,
): void {
  view.setUint16(at, to.high);
  view.setInt32(at + 2, to.low);
  view.setUint16(at + 6, from.high);
  view.setInt32(at + 8, from.low);
  view.setUint16(at + 12, etherType);
}
