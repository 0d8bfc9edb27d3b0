/**
 * Allocates and frees the memory of received pieces, then prints the page faults of allocating as many pieces
 * again. Needs --expose-gc, and a process of its own: in a test's process, other memory lies at the end of
 * the heap.
 */
import process from 'node:process';
import { keepFreedMemory } from '#src/stacks/system/freed-memory.js';

const [pieceBytes = 0, count = 0] = process.argv.slice(2).map(Number);
let pieces: Uint8Array[] = [];

function receive(): void {
  for (let index = 0; index < count; index += 1) pieces.push(new Uint8Array(pieceBytes).fill(1));
}

keepFreedMemory(pieceBytes);
globalThis.gc?.();
await new Promise((resolve) => setImmediate(resolve));
receive();
pieces = [];
globalThis.gc?.();
// Memory that the engine frees in a background thread is free after the next collection.
await new Promise((resolve) => setTimeout(resolve, 0));
globalThis.gc?.();
const before = process.resourceUsage().minorPageFault;
receive();
console.log(process.resourceUsage().minorPageFault - before);
