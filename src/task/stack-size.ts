/** The size of the task's stack: configured in FreeRTOS's 32-bit words, made in the engine's steps. */
export const WORD_BYTES = 4;
/** The unit of Node's `stackSizeMb`. */
export const MIB = 1024 * 1024;

/**
 * The counterpart of FreeRTOS's configMINIMAL_STACK_SIZE. V8 reserves the lowest 184 KiB of a thread's
 * stack, and the module loader uses some 100 KiB before a program's first line runs: below 288 KiB no
 * thread starts. Half a MiB leaves a program about as much as an ESP32's whole memory.
 */
export const MINIMAL_STACK_BYTES = 512 * 1024;

/** Thread stacks are multiples of the largest page size of Linux on 64-bit machines. */
const GRAIN_BYTES = 64 * 1024;

/** Returns the bytes of stack of a task that requests a number of 32-bit words. */
export function taskStackBytes(words: number): number {
  const wanted = Math.max(words * WORD_BYTES, MINIMAL_STACK_BYTES);
  return Math.ceil(wanted / GRAIN_BYTES) * GRAIN_BYTES;
}
