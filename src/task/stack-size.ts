/** The task's stack in FreeRTOS's 32-bit words, and what the engine makes of it. */
export const WORD_BYTES = 4;
/** Node takes a thread's stack in these. */
export const MIB = 1024 * 1024;

/**
 * V8 keeps the lowest 184 KiB of a thread's stack for itself, and the module loader goes some 100 KiB deep
 * before a program's first line runs: below 288 KiB no thread starts, and half a MiB leaves a program as
 * much as an ESP32's whole memory. The counterpart of FreeRTOS's configMINIMAL_STACK_SIZE.
 */
export const MINIMAL_STACK_BYTES = 512 * 1024;

/** Thread stacks are whole pages of the largest kind that Linux has on 64-bit machines. */
const GRAIN_BYTES = 64 * 1024;

/** Bytes of the stack that a task gets that asks for so many 32-bit words. */
export function taskStackBytes(words: number): number {
  const wanted = Math.max(words * WORD_BYTES, MINIMAL_STACK_BYTES);
  return Math.ceil(wanted / GRAIN_BYTES) * GRAIN_BYTES;
}
