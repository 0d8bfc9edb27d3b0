/** Plays one script, and says how it went. */
import { ScriptFailure } from './failure.js';
import { parseScript } from './parse-script.js';
import { Player, type PlayOptions } from './player.js';
import { UnknownLine } from './tokens.js';

export interface ScriptResult {
  readonly name: string;
  /**
   * `unknown`: the script has a line that the interpreter does not understand; it was not played to its end.
   */
  readonly outcome: 'passed' | 'failed' | 'unknown';
  readonly line?: number;
  readonly reason?: string;
  /** The packet of the script, and what came instead. */
  readonly expected?: string | undefined;
  readonly seen?: string | undefined;
  /** Names in assertions whose values the stack does not keep. */
  readonly unanswered: readonly string[];
}

export function playScript(name: string, source: string, options: PlayOptions): ScriptResult {
  try {
    const unanswered = new Player(parseScript(name, source), options).play();
    return { name, outcome: 'passed', unanswered };
  } catch (error) {
    if (error instanceof UnknownLine) {
      return { name, outcome: 'unknown', line: error.line, reason: error.message, unanswered: [] };
    }
    if (error instanceof ScriptFailure) {
      const { line, message: reason, expected, seen } = error;
      return { name, outcome: 'failed', line, reason, expected, seen, unanswered: [] };
    }
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name, outcome: 'failed', line: 0, reason, unanswered: [] };
  }
}

/** Returns a result in one line, and the packets below it. */
export function describeResult({
  name,
  outcome,
  line,
  reason,
  expected,
  seen,
  unanswered,
}: ScriptResult): string {
  if (outcome === 'passed') {
    return unanswered.length === 0 ? name : `${name}, without what it says of ${unanswered.join(', ')}`;
  }
  const packets = [
    ...(expected === undefined ? [] : [`    expected: ${expected}`]),
    ...(seen === undefined ? [] : [`    seen:     ${seen.replaceAll('\n', '\n              ')}`]),
  ];
  return [`${name}:${line ?? 0}: ${reason ?? ''}`, ...packets].join('\n');
}
