/** Names of hosts and their addresses, as a hosts file has them (RFC 952, RFC 1123 §2.1). */
import { Address } from './wire/address.js';

/** Names of one table. */
export const MOST_NAMES = 65_536;

export class HostTable {
  readonly #addresses = new Map<string, readonly Address[]>();

  /**
   * Sets the addresses of a name; case does not matter.
   * @throws TypeError if a text is no address; RangeError if there are too many names.
   */
  set(name: string, addresses: readonly string[]): void {
    const parsed = addresses.map((text) => {
      const address = Address.parse(text);
      if (address === undefined) throw new TypeError(`'${text}' is no IP address`);
      return address;
    });
    const key = name.toLowerCase();
    const isFull = this.#addresses.size >= MOST_NAMES && !this.#addresses.has(key);
    if (isFull) throw new RangeError(`a table of hosts has at most ${MOST_NAMES} names`);
    this.#addresses.set(key, parsed);
  }

  delete(name: string): void {
    this.#addresses.delete(name.toLowerCase());
  }

  /** Returns the addresses of a name; none if the table does not have it. */
  lookup(name: string): readonly Address[] {
    return this.#addresses.get(name.toLowerCase()) ?? [];
  }
}
