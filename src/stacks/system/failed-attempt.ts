/** An attempt to connect that the system refused at once. Its event comes when the call has returned. */
import type { Attempt, AttemptEvents, Fault } from '../../port/tcp-stack.js';

export interface FailedAttemptContext {
  /** Attempts whose event is on its way. */
  readonly failedAttempts: Set<FailedAttempt>;
  post(job: () => void): void;
}

export class FailedAttempt implements Attempt {
  readonly #context: FailedAttemptContext;

  constructor(context: FailedAttemptContext, fault: Fault, events: AttemptEvents) {
    this.#context = context;
    context.failedAttempts.add(this);
    context.post(() => {
      if (context.failedAttempts.delete(this)) events.onFailed(fault);
    });
  }

  cancel(): void {
    this.#context.failedAttempts.delete(this);
  }

  setKeepsAlive(): void {
    // The event is posted, and a posted job keeps the process alive.
  }
}
