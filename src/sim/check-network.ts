/** Checks the options of networks, and the names of what they have. */
import { Address } from '../netstack/wire/address.js';
import { checkNames, checkWhole, checkWord, showValue } from '../support/check-options.js';
import type { NetworkOptions } from './network.js';

/** Times of day that a `Date` can have are these milliseconds before and after 1970 (ECMA-262 §21.4.1.1). */
const MOST_EPOCH_MS = 8_640_000_000_000_000;
const OPTIONS = ['command', 'epochMs', 'mostEventsAtOneInstant', 'mostHosts', 'seed', 'ties'];

/** @throws TypeError for a name of an option that is none; RangeError for a value that is not allowed. */
export function checkNetworkOptions(options: NetworkOptions, mostHosts: number): void {
  checkNames('a network', options, OPTIONS);
  const { seed, command } = options;
  const isSeed = typeof seed === 'string' ? seed !== '' : Number.isSafeInteger(seed);
  if (seed !== undefined && !isSeed) {
    throw new RangeError(`seed must be a whole number or a text, not ${showValue(seed)}`);
  }
  checkWord('ties', options.ties, ['scheduled', 'shuffled']);
  checkWhole('mostEventsAtOneInstant', options.mostEventsAtOneInstant, 1, Number.MAX_SAFE_INTEGER);
  checkWhole('mostHosts', options.mostHosts, 1, mostHosts);
  checkWhole('epochMs', options.epochMs, -MOST_EPOCH_MS, MOST_EPOCH_MS);
  if (command !== undefined) checkText('command', command);
}

/** @throws TypeError unless `value` is a text of at least one character. */
export function checkText(name: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') return;
  throw new TypeError(`${name} must be a text, not ${showValue(value)}`);
}

/** @throws TypeError for what is no text; RangeError for an address, which is never looked up. */
export function checkHostName(name: unknown): void {
  checkText('the name of a host', name);
  if (typeof name !== 'string' || Address.parse(name) === undefined) return;
  throw new RangeError(`the name of a host must be no address, not ${showValue(name)}`);
}
