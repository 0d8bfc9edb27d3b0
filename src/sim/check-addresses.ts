/** Checks addresses of hosts. */
import { Prefix } from '../netstack/ip/prefix.js';
import { Address } from '../netstack/wire/address.js';
import { showValue } from '../support/check-options.js';

/** Addresses of one host at most. */
export const MOST_ADDRESSES_OF_A_HOST = 16;

/**
 * Returns the addresses of a host, or of its end of a link, as a list.
 * @param name of the option in errors.
 * @throws TypeError for what is no address of a host, with or without the length of its prefix; RangeError
 *   for a length of a prefix that is none, an address that is there twice, none at all, and too many.
 */
export function checkAddresses(given: unknown, name: string): readonly string[] {
  const addresses: readonly unknown[] = Array.isArray(given) ? given : [given];
  const texts = addresses.map((address) => checkAddress(address, name));
  if (texts.length === 0 || texts.length > MOST_ADDRESSES_OF_A_HOST) {
    throw new RangeError(`${name} must be 1 to ${MOST_ADDRESSES_OF_A_HOST} addresses, not ${texts.length}`);
  }
  const keys = texts.map((text) => Prefix.parse(text).address.toString());
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new RangeError(`${name} has ${twice} twice`);
  return texts;
}

function checkAddress(text: unknown, name: string): string {
  const wanted = `${name} must be an IP address such as '10.0.0.2' or 'fd00::2/64'`;
  if (typeof text !== 'string') throw new TypeError(`${wanted}, not ${showValue(text)}`);
  const slash = text.indexOf('/');
  const address = Address.parse(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) throw new TypeError(`${wanted}, not ${showValue(text)}`);
  // Throws for a length of the prefix that is none of the family.
  Prefix.parse(text);
  const isOfHost =
    !address.isUnspecified() && !address.isMulticast() && !address.isBroadcast() && !address.isLoopback();
  if (isOfHost) return text;
  throw new TypeError(`${name} must be an address that a host can have, not ${showValue(text)}`);
}
