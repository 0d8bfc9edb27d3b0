/** The error of a run: what failed, when, and how to see it again. */

/** Name of the variable that sets the seed of networks that are made without one. */
export const SEED_VARIABLE = 'ASYNCTCP_SEED';

export type SimulationFailure =
  /** The program threw, or a promise of it was rejected. */
  | 'threw'
  /** The promise that was waited for did not settle in time. */
  | 'limit'
  /** Nothing was left that could happen. */
  | 'stuck'
  /** The network was used in a way that it cannot work. */
  | 'misuse'
  /** Time did not move on. */
  | 'busy';

export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  readonly failure: SimulationFailure;
  /** Virtual time of the failure in milliseconds. */
  readonly timeMs: number;
  readonly seed: number | string;
  /** Command that repeats the run. */
  readonly command: string;
  /** Errors of the program at the instant at which the run failed; `cause` is the first one. */
  readonly errors: readonly unknown[];

  constructor(
    failure: SimulationFailure,
    text: string,
    place: { readonly timeMs: number; readonly seed: number | string; readonly command: string },
    errors: readonly unknown[] = [],
  ) {
    super(
      `${text}\n  at ${place.timeMs} ms of virtual time, seed ${place.seed}; repeat: ${place.command}`,
      errors.length === 0 ? undefined : { cause: errors[0] },
    );
    this.failure = failure;
    this.timeMs = place.timeMs;
    this.seed = place.seed;
    this.command = place.command;
    this.errors = errors;
  }
}

/** Returns what an error of a program says; a program may throw anything. */
export function textOfError(error: unknown): string {
  if (!(error instanceof Error)) return isPlain(error) ? String(error) : shownAsJson(error);
  if (error instanceof AggregateError && error.message === '') {
    return [error.name, ...error.errors.map((one) => textOfError(one))].join('\n  ');
  }
  return error.message === '' ? error.name : error.message;
}

function isPlain(value: unknown): boolean {
  return (typeof value !== 'object' && typeof value !== 'function') || value === null;
}

function shownAsJson(value: unknown): string {
  try {
    return typeof value === 'function' ? 'a function' : JSON.stringify(value);
  } catch {
    return 'an object';
  }
}
