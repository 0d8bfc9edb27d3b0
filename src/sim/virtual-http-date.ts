/**
 * The header `Date` of Node's HTTP servers in virtual time. Node caches the date of the real clock, so that a
 * `Date` that was replaced does not reach it.
 */

type StoreHeader = (this: unknown, firstLine: unknown, headers: unknown) => unknown;

/**
 * Returns Node's `_storeHeader` of messages, which writes the lines of a head, with a date behind the first
 * line of each message that has to have one and has none.
 * @param now returns the time of day as HTTP writes it.
 */
export function datedBy(store: unknown, now: () => string): StoreHeader {
  const storeBy = (message: unknown, ...args: readonly unknown[]): unknown =>
    typeof store === 'function' ? Reflect.apply(store, message, args) : undefined;
  return function storeHeader(this: unknown, firstLine, headers) {
    const isDated = typeof this === 'object' && this !== null && Reflect.get(this, 'sendDate') === true;
    if (!isDated || typeof firstLine !== 'string' || hasDate(headers)) {
      return storeBy(this, firstLine, headers);
    }
    Reflect.set(this, 'sendDate', false);
    try {
      return storeBy(this, `${firstLine}Date: ${now()}\r\n`, headers);
    } finally {
      Reflect.set(this, 'sendDate', true);
    }
  };
}

/** Headers are an object by name, a list of names and values in turn, or a list of pairs. */
function hasDate(headers: unknown): boolean {
  if (typeof headers !== 'object' || headers === null) return false;
  const names: readonly unknown[] = Array.isArray(headers)
    ? headers.map((entry: unknown): unknown => (Array.isArray(entry) ? entry[0] : entry))
    : Object.keys(headers);
  return names.some((name) => typeof name === 'string' && name.toLowerCase() === 'date');
}
