/**
 * Reports, once a turn of the event loop, about bytes that the kernel has taken. The kernel mostly takes a
 * write within the call, but the report waits until the loop has polled. One job serves all connections,
 * which is cheap. And a program that answers each report with the next write to a fast reader cannot hold
 * the loop: it gets at most one full send buffer a turn.
 */
import { runTicks } from '../../support/callback-scope.js';
import { setImmediate } from '../../support/immediate.js';

export interface TakenReporter {
  /** Reports what has happened since the last report. */
  onReportTurn(): void;
}

export class TakenReports {
  #waiting: TakenReporter[] = [];
  #job: NodeJS.Immediate | undefined;
  /** True if the loop must not wait for events before the next reports. */
  #isUrgent = false;
  #turn = 0;

  /** Number of the present turn. A turn ends with its reports. */
  get turn(): number {
    return this.#turn;
  }

  /** Ends the present turn as soon as the loop has polled. Returns the number of the present turn. */
  endTurn(): number {
    this.#schedule();
    return this.#turn;
  }

  /**
   * Asks for one report of `reporter`, when the loop has polled and before a timer. The loop may still wait
   * for events before that.
   */
  add(reporter: TakenReporter): void {
    this.#waiting.push(reporter);
    this.#schedule();
  }

  /** Makes the reports of this turn urgent: the loop does not wait for events before them. */
  hurry(): void {
    if (this.#isUrgent) return;
    this.#isUrgent = true;
    this.#job?.ref();
  }

  #schedule(): void {
    if (this.#job !== undefined) return;
    this.#job = setImmediate(this.#report);
    if (!this.#isUrgent) this.#job.unref();
  }

  readonly #report = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#job = undefined;
    this.#isUrgent = false;
    this.#turn += 1;
    let reported = 0;
    try {
      for (const reporter of waiting) {
        reported += 1;
        reporter.onReportTurn();
        runTicks();
      }
    } finally {
      // One connection's broken invariant must not cost the others their reports.
      if (reported < waiting.length) {
        this.#waiting.unshift(...waiting.slice(reported));
        this.hurry();
        this.#schedule();
      }
    }
  };
}
