/** Node's private parts, looked for once, when this folder is loaded. */
import { findParts, type NativeHandle, type NodeParts } from './node-parts.js';

const found = findParts();

/** Names of the private parts that this Node does not have. */
export const missingParts: readonly string[] = Array.isArray(found) ? found : [];

class NoHandle implements NativeHandle {
  constructor() {
    throw new Error(`asynctcp/net needs parts of Node that this runtime lacks: ${missingParts.join(', ')}`);
  }

  close(): void {
    // Never made.
  }
}

/** Keys that no object has: they stand for the parts of a runtime that lacks them. */
const NO_PARTS: NodeParts = {
  Tcp: NoHandle,
  owner: Symbol('owner'),
  reinitializeHandle: Symbol('reinitializeHandle'),
  buffer: Symbol('buffer'),
  bufferCallback: Symbol('bufferCallback'),
  bufferGenerator: Symbol('bufferGenerator'),
  lastWriteQueueSize: Symbol('lastWriteQueueSize'),
  normalizedArgs: Symbol('normalizedArgs'),
};

export const parts: NodeParts = 'Tcp' in found ? found : NO_PARTS;
