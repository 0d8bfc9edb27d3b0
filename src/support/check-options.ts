/** Checks of what programs pass: each error names the option, what is allowed, and the value. */

/** Returns a value for an error's text. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** @throws RangeError unless `value` is `undefined` or a number in the range. */
export function checkRange(name: string, value: unknown, least: number, most: number): void {
  if (value === undefined || (typeof value === 'number' && value >= least && value <= most)) return;
  throw new RangeError(`${name} must be a number of ${least} to ${most}, not ${showValue(value)}`);
}

/** @throws RangeError unless `value` is `undefined` or a whole number in the range. */
export function checkWhole(name: string, value: unknown, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && Number(value) >= least && Number(value) <= most))
    return;
  throw new RangeError(`${name} must be a whole number of ${least} to ${most}, not ${showValue(value)}`);
}

/** @throws TypeError unless `value` is `undefined` or a boolean. */
export function checkFlag(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new TypeError(`${name} must be true or false, not ${showValue(value)}`);
}

/** @throws RangeError unless `value` is `undefined` or one of the words. */
export function checkWord(name: string, value: unknown, words: readonly string[]): void {
  if (value === undefined || (typeof value === 'string' && words.includes(value))) return;
  throw new RangeError(`${name} must be ${listOf(words, 'or')}, not ${showValue(value)}`);
}

/** @throws TypeError unless `value` is a function. */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, not ${showValue(value)}`);
}

/** @throws TypeError unless `value` is a list. */
export function checkList(name: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list, not ${showValue(value)}`);
}

/**
 * Checks the names of options.
 * @param holder has the options, with its article: `a link`.
 * @throws TypeError unless `options` is `undefined` or an object with these names alone.
 */
export function checkNames(holder: string, options: unknown, names: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`the options of ${holder} must be an object, not ${showValue(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${holder} has no option ${unknown}; its options are ${listOf(names, 'and')}`);
}

function listOf(words: readonly string[], joint: string): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1) ?? ''}`;
}
