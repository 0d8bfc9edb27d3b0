/**
 * What the native addon offers (its sources are in `native/`): control of the calling thread, and
 * measurement of its stack. Every function concerns the thread that calls it. A call that the system
 * refuses throws an `Error` whose `code` is the errno's name, such as `EPERM`, and whose `syscall` names
 * the call.
 */
import type { Dispatch, NativeSockets } from './native-sockets.js';

export interface NativeAddon {
  /** The kernel's number of the thread, as in `/proc/<pid>/task`. */
  threadId(): number;
  /** Names the thread for `/proc`, `ps` and `top`: the first 15 bytes of it. */
  setName(name: string): void;
  /** The cores that the thread may run on, ascending. */
  affinity(): number[];
  /** @throws EINVAL for cores that the machine or the process does not have. */
  setAffinity(cores: readonly number[]): void;
  /** The nice value, −20 to 19. */
  nice(): number;
  /** @throws EACCES or EPERM for a value that needs a right that the process does not have. */
  setNice(nice: number): void;
  /**
   * The whole stack of the thread: its lowest address, and its size without the guard. A Worker's can be
   * larger than its `stackSizeMb`: glibc gives a new thread the stack of one that ended, up to four times as
   * large.
   */
  stack(): { lowest: bigint; bytes: number };
  /** Bytes between the stack's upper end and the caller's frame. */
  stackDepth(): number;
  /**
   * Begins to measure: gives the unused pages of the lowest `bytes` of the stack's upper end back to the
   * system, so that a page that is there later was used since. `bytes` bounds what is looked at. It is the
   * engine's limit: a Worker's `stackSizeMb`; on the main thread, whose stack grows on demand, what V8 was
   * told.
   */
  watchStack(bytes: number): void;
  /** Bytes of the watched part that were never used since, in whole pages. */
  unusedStack(): number;
  /**
   * Opens sockets of this environment. `dispatch` is called for each poll that brought something, with the
   * number of event records. When something was thrown in it or in the ticks behind it, that is uncaught, and
   * it is called again with 0 for what is left of them. With `checksPages` each poll makes sure that no page
   * that it fills was detached.
   * @throws EMFILE, ENOMEM and so on when there is no descriptor or memory for it.
   */
  openSockets(dispatch: Dispatch, checksPages: boolean): NativeSockets;
}
