/** A job of the program at a time of its own. */
import { EventSource } from '../link/timeline.js';
import { enterCallback, leaveCallback } from '../support/callback-scope.js';

export class Job extends EventSource {
  #job: (() => void) | undefined;

  constructor(hostId: number, job: () => void) {
    super(hostId);
    this.#job = job;
  }

  cancel(): void {
    this.#job = undefined;
  }

  override occur(): void {
    if (this.#job === undefined) return;
    enterCallback();
    try {
      this.#job();
    } finally {
      leaveCallback();
    }
  }
}
