/**
 * The functions of the native addon, whose sources are in `native/`: control of the calling thread,
 * measurement of its stack, sockets, and network interfaces whose other end is the process. Those of the
 * first two kinds concern the thread that calls them. If the system refuses a call, they throw an `Error`
 * whose `code` is the errno's name, such as `EPERM`, and whose `syscall` names the call.
 */
import type { Dispatch, NativeSockets } from './native-sockets.js';
import type { NativeTunnel } from './native-tunnel.js';

export interface NativeAddon {
  /** Returns the kernel's number of the thread, as in `/proc/<pid>/task`. */
  threadId(): number;
  /** Names the thread for `/proc`, `ps` and `top`, by the first 15 bytes of the name. */
  setName(name: string): void;
  /** Returns the cores that the thread may run on, ascending. */
  affinity(): number[];
  /** @throws EINVAL for cores that the machine or the process does not have. */
  setAffinity(cores: readonly number[]): void;
  /** Returns the nice value, −20 to 19. */
  nice(): number;
  /** @throws EACCES or EPERM for a value that needs a right that the process does not have. */
  setNice(nice: number): void;
  /** Closes a descriptor, of any thread. @throws EBADF if there is none. */
  closeDescriptor(descriptor: number): void;
  /** Returns a further descriptor of what a descriptor, of any thread, names. @throws EBADF, EMFILE. */
  duplicateDescriptor(descriptor: number): number;
  /**
   * Returns the whole stack of the thread: its lowest address, and its size without the guard. A Worker's
   * can be larger than its `stackSizeMb`: glibc gives a new thread the stack of one that ended, up to four
   * times as large.
   */
  stack(): { lowest: bigint; bytes: number };
  /** Returns the bytes between the stack's upper end and the caller's frame. */
  stackDepth(): number;
  /**
   * Begins to measure the upper `bytes` of the stack: gives their unused pages back to the system, so that
   * a page that is present later was used since. `bytes` is the limit of the engine: a Worker's
   * `stackSizeMb`, or V8's limit on the main thread, whose stack grows on demand.
   */
  watchStack(bytes: number): void;
  /** Returns the bytes of the watched part that were never used since, in whole pages. */
  unusedStack(): number;
  /** Returns the numbers that C and TypeScript share, for the test that compares them. */
  constants(): NativeConstants;
  /**
   * Opens sockets of this environment. The addon calls `dispatch` for each poll that brought events, with
   * the number of event records. If `dispatch` or a tick behind it throws, that is an uncaught exception,
   * and the addon calls `dispatch` with 0 for the records that are left.
   * @param checksPages true if each poll has to check that the pages it fills are not detached.
   * @throws EMFILE, ENOMEM and others if there is no descriptor or memory.
   */
  openSockets(dispatch: Dispatch, checksPages: boolean): NativeSockets;
  /**
   * Attaches to the TAP or TUN interface of this name in the thread's network namespace, or creates it until
   * `end`, which needs CAP_NET_ADMIN. The addon calls `dispatch` for each batch of packets, with their
   * number, and with a refusal (`NativeSockets`) when the interface can bring no more.
   * @param isTap true for Ethernet frames (TAP), false for IP packets (TUN).
   * @throws EPERM without the right; EBUSY if another process has the interface; EINVAL for a name that
   *   cannot be one, or an interface of another kind; ENOENT, EACCES if there is no /dev/net/tun for this
   *   user.
   */
  openTunnel(name: string, isTap: boolean, dispatch: (count: number) => void): NativeTunnel;
}

/** The addon's side of the numbers that both sides have, by name. */
export interface NativeConstants {
  /** Those of `native-sockets.ts`. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Those of `native-tunnel.ts`. */
  readonly tunnelNumbers: Readonly<Record<string, number>>;
  /** `EventKind`. */
  readonly eventKinds: Readonly<Record<string, number>>;
  /** `LinuxTcpState`. */
  readonly tcpStates: Readonly<Record<string, number>>;
  /** The calls in refusals of sockets, as `system-error.ts` of the stack kernel names them. */
  readonly systemCalls: Readonly<Record<string, number>>;
}
