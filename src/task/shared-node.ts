/**
 * What all copies of this library in one thread share. A test runner and hot reload load the library again
 * and again, each time with modules of its own and, in a context of `node:vm`, with a `globalThis` of its
 * own. A module of Node's is the same object in all of them, and symbols of `Symbol.for` are the same in all
 * realms.
 */
import workerThreads from 'node:worker_threads';

/** Where it lies, for an expression that is evaluated in the thread's main context. */
const PLACE = "process.getBuiltinModule('node:worker_threads')";

/** Returns what a copy has shared under the name; of another version of this library, perhaps. */
export function shared(name: string): unknown {
  return Reflect.get(workerThreads, Symbol.for(name)) ?? Reflect.get(globalThis, Symbol.for(name));
}

/** Shares a value under the name, instead of the one before. */
export function share(name: string, value: unknown): void {
  const descriptor = { value, configurable: true };
  if (Reflect.defineProperty(workerThreads, Symbol.for(name), descriptor)) return;
  // A runtime whose modules cannot be extended.
  Object.defineProperty(globalThis, Symbol.for(name), descriptor);
}

/** Returns the expression that is the shared value, in the main context of Node. */
export function sharedExpression(name: string): string {
  return `${PLACE}[Symbol.for(${JSON.stringify(name)})]`;
}
