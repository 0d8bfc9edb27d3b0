/**
 * What becomes of the memory of received pieces: prints the page faults of as many pieces again as came and
 * went before. To be started with --expose-gc; nothing else may lie at the end of its heap, as in a test's
 * process something does.
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
// What the engine frees in a thread of its own is free when it has collected once more.
await new Promise((resolve) => setTimeout(resolve, 0));
globalThis.gc?.();
const before = process.resourceUsage().minorPageFault;
receive();
console.log(process.resourceUsage().minorPageFault - before);
