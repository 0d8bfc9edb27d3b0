/**
 * The order of events, jobs and timers: rule 3 of the port. Each of them is a macrotask of its own, so that
 * the ticks and microtasks that it caused have run before the next one.
 *
 * Call order: `event`, `post` or `wake` begins the turns; they end by themselves when one has found nothing
 * to do. Turns do not move the clock: they wake the alarms that are due at the present time.
 */
import { macrotask } from '../../support/macrotask.js';
import type { SteppedClock } from '../../support/stepped-clock.js';

type Job = () => void;

export class TurnQueue {
  readonly #clock: SteppedClock;
  readonly #events: Job[] = [];
  readonly #jobs: Job[] = [];
  readonly #work = this.#turns();
  #isAwake = false;
  readonly #next = (): void => {
    const job = this.#work.next().value;
    this.#isAwake = job !== undefined;
    if (job === undefined) return;
    macrotask(this.#next);
    job();
  };

  constructor(clock: SteppedClock) {
    this.#clock = clock;
  }

  /** True while there is work to do at the present time. */
  get isAwake(): boolean {
    return this.#isAwake;
  }

  /** Has `job` call one event at most. */
  event(job: Job): void {
    this.#events.push(job);
    this.wake();
  }

  post(job: Job): void {
    this.#jobs.push(job);
    this.wake();
  }

  /** Begins the turns: something is due. */
  wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    macrotask(this.#next);
  }

  /** A turn: the events that have happened, the posted jobs, the due timers. `undefined`: nothing to do. */
  *#turns(): Generator<Job | undefined, never> {
    for (;;) {
      yield* this.#events.splice(0);
      yield* this.#jobs.splice(0);
      if (this.#clock.isDue()) yield () => this.#clock.advance(0);
      else if (this.#events.length + this.#jobs.length === 0) yield undefined;
    }
  }
}
