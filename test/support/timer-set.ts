/** The running timers of one object, which end together. */
export class TimerSet {
  readonly #timers = new Set<NodeJS.Timeout>();

  after(ms: number, job: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      job();
    }, ms);
    this.#timers.add(timer);
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Lets the process end before the timers are due. */
  unref(): void {
    for (const timer of this.#timers) timer.unref();
  }
}
