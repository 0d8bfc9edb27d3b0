/**
 * Values that all copies of this library in one thread share. Test runners and hot reload load the library
 * again and again, each time with its own modules and, in a context of `node:vm`, with its own
 * `globalThis`. The copies find each other because a module of Node is the same object in all of them, and
 * `Symbol.for` the same in all realms.
 */
import workerThreads from 'node:worker_threads';

/** The shared object, as an expression in the thread's main context. */
const PLACE = "process.getBuiltinModule('node:worker_threads')";

/**
 * Returns the value that a copy has shared under the name. The copy may be of another version of this
 * library.
 */
export function shared(name: string): unknown {
  return Reflect.get(workerThreads, Symbol.for(name)) ?? Reflect.get(globalThis, Symbol.for(name));
}

/** Shares a value under the name; it replaces an earlier one. */
export function share(name: string, value: unknown): void {
  const descriptor = { value, configurable: true };
  if (Reflect.defineProperty(workerThreads, Symbol.for(name), descriptor)) return;
  // The modules of this runtime cannot be extended.
  Object.defineProperty(globalThis, Symbol.for(name), descriptor);
}

/** Returns an expression whose value, in the main context of Node, is the shared value. */
export function sharedExpression(name: string): string {
  return `${PLACE}[Symbol.for(${JSON.stringify(name)})]`;
}
