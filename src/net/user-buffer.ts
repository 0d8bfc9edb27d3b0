/** The buffer of the option `onread`, which a socket keeps under keys of net.js. */
import { isFunction, type SocketParts } from './node-parts.js';
import { parts } from './parts.js';

/** Copies bytes into the buffer of the option `onread`. Returns how many. */
export function fillUserBuffer(socket: SocketParts, bytes: Uint8Array): number {
  const buffer: unknown = Reflect.get(socket, parts.buffer);
  if (!(buffer instanceof Uint8Array)) return 0;
  const count = Math.min(buffer.length, bytes.length);
  buffer.set(bytes.subarray(0, count));
  return count;
}

/** Calls the callback of the option `onread`, and asks for the next buffer. Returns false to stop reading. */
export function passUserBuffer(socket: SocketParts, count: number): boolean {
  const callback: unknown = Reflect.get(socket, parts.bufferCallback);
  const buffer: unknown = Reflect.get(socket, parts.buffer);
  const continues = !isFunction(callback) || Reflect.apply(callback, socket, [count, buffer]) !== false;
  const generate: unknown = Reflect.get(socket, parts.bufferGenerator);
  const next = isFunction(generate) ? generate() : undefined;
  if (next instanceof Uint8Array) Reflect.set(socket, parts.buffer, next);
  return continues;
}
