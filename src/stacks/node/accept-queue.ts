/**
 * Connections whose bytes the kernel has taken, and which have to tell so. The kernel mostly takes a write
 * within the call, so this is known at once; it is told once a turn of the event loop, after the loop has
 * polled. That keeps it cheap (one job for all connections), and a program that answers each
 * acknowledgement with the next write to a fast reader cannot hold the loop: it gets one full send buffer a
 * turn.
 */

export interface Accepting {
  /** Tells of what the kernel took. */
  tellAccepted(): void;
}

export class AcceptQueue {
  #waiting: Accepting[] = [];
  #job: NodeJS.Immediate | undefined;

  /**
   * Asks `connection` to tell, in this turn or in the next.
   * @param isAwaited whether anything happens when it tells. If not, the loop need not wake up for it: it
   *   is enough that it is told before whatever comes next.
   */
  add(connection: Accepting, isAwaited: boolean): void {
    this.#waiting.push(connection);
    this.#job ??= setImmediate(this.#tell).unref();
    // An immediate that is no longer unref'd makes the loop go round without waiting for events.
    if (isAwaited) this.#job.ref();
  }

  readonly #tell = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#job = undefined;
    for (const connection of waiting) connection.tellAccepted();
  };
}
