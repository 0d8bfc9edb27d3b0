/** Options of a recording: the lines that are kept, and the parts of the conversation that they show. */

/** Lines that are kept if the options set no other number. */
export const DEFAULT_LINES = 10_000;

export interface RecordingOptions {
  /**
   * Receives each line when it is made, instead of the list. The sink must not use the recorded stack. A sink
   * that throws is not called again: one warning says so, and the lines are counted as dropped.
   */
  readonly sink?: ((line: string) => void) | undefined;
  /** Lines that the list keeps, 1 to 1,000,000; the oldest line is dropped for a new one. Default 10,000. */
  readonly maxLines?: number | undefined;
  /** Bytes of each piece that its line shows, 0 to 1024. Default 0. */
  readonly shownBytes?: number | undefined;
  /**
   * True: also records the calls that only ask (`state`, `sendSpace`, …), `post`, and the arming of timers.
   * Default false.
   */
  readonly verbose?: boolean | undefined;
}
