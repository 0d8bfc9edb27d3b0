/** An attempt to connect that the system refused at once. The event comes when the call has returned. */
import type { Attempt, AttemptEvents, Fault } from '../../port/tcp-stack.js';

export class FailedAttempt implements Attempt {
  #events: AttemptEvents | undefined;

  constructor(stack: { post(job: () => void): void }, fault: Fault, events: AttemptEvents) {
    this.#events = events;
    stack.post(() => {
      this.#events?.onFailed(fault);
    });
  }

  cancel(): void {
    this.#events = undefined;
  }

  setKeepsAlive(): void {
    // The event is posted, and a posted job keeps the process alive.
  }
}
