/**
 * Recognises values that were made in another realm: a `vm` context, jsdom's window, a polyfill. `instanceof`
 * knows only the classes of its own realm.
 */

/** `%TypedArray%.prototype[@@toStringTag]` reads an internal slot, and so knows the arrays of every realm. */
const typedArrayName: unknown = Reflect.get(
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag) ?? {},
  'get',
);

/**
 * Returns a view of this realm over the bytes of another realm's `Uint8Array`; `undefined` for anything else.
 * The bytes are not copied.
 */
export function viewOfForeign(value: unknown): Uint8Array | undefined {
  if (!ArrayBuffer.isView(value) || typeof typedArrayName !== 'function') return undefined;
  if (Reflect.apply(typedArrayName, value, []) !== 'Uint8Array') return undefined;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** Returns true if `value` has the state and the events of an `AbortSignal`, of any realm. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  if (value instanceof AbortSignal) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'aborted') === 'boolean' &&
    typeof Reflect.get(value, 'addEventListener') === 'function' &&
    typeof Reflect.get(value, 'removeEventListener') === 'function'
  );
}

/** Returns true if `value` is an error of any realm, a `DOMException` included. */
export function isError(value: unknown): value is Error {
  if (value instanceof Error) return true;
  return /^\[object (Error|DOMException)\]$/.test(Object.prototype.toString.call(value));
}
