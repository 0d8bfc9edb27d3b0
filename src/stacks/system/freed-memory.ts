/**
 * Makes the process keep freed memory. The memory of received bytes is allocated and freed by the megabyte.
 * glibc gives memory that is freed at the end of a heap back to the system. Then each page is faulted in
 * anew: with pieces of 64 KiB that is two thirds of the cost of receiving. But once a block of at
 * most 32 MiB was mapped and unmapped, glibc keeps twice that block's size, and does not map such blocks any
 * more (mallopt(3), M_MMAP_THRESHOLD). Every program that frees such a block gets there; this module does at
 * once. The block takes no memory itself, because it is never written, and the kept memory was in use before.
 * Each thread may have a heap of its own.
 */

/** Size, in bytes, from which on a piece's freed memory is worth keeping. */
const LARGE_PIECE_BYTES = 32_768;
/** Size of the block: with its header it stays under the 32 MiB. */
const BLOCK_BYTES = 31 * 1024 * 1024;

let isDone = process.platform !== 'linux';

/**
 * Makes the process keep freed memory, from the first large piece on that a program is given. Without effect
 * if the C library has no such rule.
 */
export function keepFreedMemory(pieceBytes: number): void {
  if (isDone || pieceBytes < LARGE_PIECE_BYTES) return;
  isDone = true;
  try {
    // The next garbage collection frees it.
    new ArrayBuffer(BLOCK_BYTES);
  } catch {
    // The process may lack the address space. Then receiving costs more.
  }
}
