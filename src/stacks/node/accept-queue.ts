/**
 * Connections whose bytes the kernel has taken, and which have to tell so. The kernel mostly takes a write
 * within the call, so this is known at once; it is told once a turn of the event loop, after the loop has
 * polled. That keeps it cheap (one job for all connections), and a program that answers each
 * acknowledgement with the next write to a fast reader cannot hold the loop: it gets one full send buffer a
 * turn.
 */
import { runTicks } from '../../support/callback-scope.js';
import { setImmediate } from '../../support/immediate.js';

export interface Accepting {
  /** Tells of what the kernel took. */
  turnTells(): void;
}

export class AcceptQueue {
  #waiting: Accepting[] = [];
  #job: NodeJS.Immediate | undefined;
  #isAwaited = false;
  #turn = 0;

  /** The present turn of the loop; it ends when those who wait have told. */
  get turn(): number {
    return this.#turn;
  }

  /** Makes the present turn end, and returns its number. For a connection that has nobody to tell. */
  endTurn(): number {
    this.#schedule();
    return this.#turn;
  }

  /**
   * Asks `connection` to tell, in this turn or in the next. The loop does not wake up for that: it is told
   * when the loop has polled, before a timer.
   */
  add(connection: Accepting): void {
    this.#waiting.push(connection);
    this.#schedule();
  }

  /**
   * Somebody awaits what waits now or is added in this turn: the loop goes round without waiting for
   * events.
   */
  hurry(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    this.#job?.ref();
  }

  #schedule(): void {
    if (this.#job !== undefined) return;
    this.#job = setImmediate(this.#tell);
    if (!this.#isAwaited) this.#job.unref();
  }

  readonly #tell = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#job = undefined;
    this.#isAwaited = false;
    this.#turn += 1;
    let told = 0;
    try {
      for (const connection of waiting) {
        told += 1;
        connection.turnTells();
        runTicks();
      }
    } finally {
      // A broken invariant of one connection is no reason to forget the others.
      if (told < waiting.length) {
        this.#waiting.unshift(...waiting.slice(told));
        this.hurry();
        this.#schedule();
      }
    }
  };
}
