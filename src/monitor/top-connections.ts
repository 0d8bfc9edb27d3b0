/** The connections that stand out among many. */
import { checkInteger } from '../asynctcp/check.js';
import type { ConnectionFigures } from './snapshot.js';

/** The figures of a connection that are numbers, or `null`. */
export type ConnectionMeasure = {
  [Name in keyof ConnectionFigures]: ConnectionFigures[Name] extends number | null ? Name : never;
}[keyof ConnectionFigures];

/** Connections that `topConnections` returns at most. */
export const MOST_TOP_CONNECTIONS = 1000;

/**
 * Returns the connections with the largest values of a figure, the largest first; those whose stack does not
 * know the figure come last.
 * @param by the figure, such as `inPerS`.
 * @param count 1 to 1000.
 * @throws TypeError, RangeError for a count out of range.
 */
export function topConnections(
  connections: readonly ConnectionFigures[],
  by: ConnectionMeasure,
  count: number,
): ConnectionFigures[] {
  checkInteger('count', count, 1, MOST_TOP_CONNECTIONS);
  const sorted = [...connections].sort((a, b) => (b[by] ?? -1) - (a[by] ?? -1));
  return sorted.slice(0, count);
}
