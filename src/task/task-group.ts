/**
 * The group of tasks that run one program on several cores, as one of its tasks sees it: its number, and the
 * listening sockets that the tasks share and hand on. The library's copies in the task's thread call it; the
 * supervisor is behind it.
 */

/** A place at which the task listens. */
export interface ListenPlace {
  /** The port to listen on: that of the first task, where the program asks for any port. */
  readonly port: number;
  /**
   * Returns a descriptor of the socket that an earlier thread of this task has listened on, which is the
   * caller's from now on; `undefined`: none.
   */
  take(): number | undefined;
  /** True: no other program may have the port, even if it shares the port. */
  readonly wantsFreePort: boolean;
  /** Takes over a further descriptor of the socket, for the threads to come. */
  keep(descriptor: number): void;
  /**
   * Reports that the task listens.
   * @param port the port that the system chose, or the one that was asked for.
   * @param acceptAlso accepts from a further socket, that of a task that has ended; `undefined` if the stack
   *   cannot.
   */
  listens(port: number, acceptAlso: AcceptAlso | undefined): void;
  /** Reports that the program has stopped to listen here. */
  ends(): void;
}

/**
 * Takes over a descriptor and accepts from its socket. Returns a function that ends this; `undefined` if it
 * cannot be.
 */
export type AcceptAlso = (descriptor: number) => (() => void) | undefined;

/** Ends what the task serves within the milliseconds, and loses nothing that can be kept. */
export type DrainTask = (withinMs: number) => Promise<void>;

export interface TaskGroup {
  /** The task's number, from 0 on. */
  readonly number: number;
  /** Number of tasks. */
  readonly count: number;
  /**
   * Returns the place of a server; `undefined` if the tasks do not share it: a port of the system's choice
   * after the program was loaded, and an address and port at which the task listens already.
   */
  place(address: string | undefined, port: number): ListenPlace | undefined;
  /** Adds a function to be called when the task drains. */
  onDrain(drain: DrainTask): void;
}
