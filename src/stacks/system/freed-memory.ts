/**
 * The memory of received bytes comes and goes by the megabyte. glibc gives what is freed at the end of a
 * heap back to the system, and then every page of it is faulted in anew: with pieces of 64 KiB that is two
 * thirds of all that receiving costs. But it keeps twice as much as the largest block that it mapped and
 * unmapped, if that had no more than 32 MiB, and does not map such blocks any more (mallopt(3),
 * M_MMAP_THRESHOLD). Every program that frees such a block comes to that; here it does so at once. Nothing
 * is written to the block: it takes no memory itself, and what is kept was in use before. Each thread may
 * have a heap of its own.
 */
import process from 'node:process';

/** From such pieces on it matters what becomes of their memory. */
const LARGE_PIECE_BYTES = 32_768;
/** With its head it stays under the 32 MiB. */
const BLOCK_BYTES = 31 * 1024 * 1024;

let isDone = process.platform !== 'linux';

/**
 * Has the process keep freed memory from the first large piece on that a program is given. Where the C
 * library knows no such rule, it changes nothing.
 */
export function keepFreedMemory(pieceBytes: number): void {
  if (isDone || pieceBytes < LARGE_PIECE_BYTES) return;
  isDone = true;
  try {
    // The next garbage collection frees it.
    new ArrayBuffer(BLOCK_BYTES);
  } catch {
    // The process may not have so much address space. Then receiving costs what it does.
  }
}
