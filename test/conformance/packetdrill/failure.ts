/** A line of a script that the stack does not keep. */
export class ScriptFailure extends Error {
  readonly line: number;
  /** The packet that the script expects, and the one that was sent instead. */
  readonly expected: string | undefined;
  readonly seen: string | undefined;

  constructor(line: number, reason: string, expected?: string, seen?: string) {
    super(reason);
    this.line = line;
    this.expected = expected;
    this.seen = seen;
  }
}
