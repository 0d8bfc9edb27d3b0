/** The cores of the tasks of a group. */

/**
 * Returns the core of each task: the cores that the process may use, from `first` on, and from the beginning
 * again when they are used up. A first core that the process may not use is left to each task to report.
 * @param first −1: no task is pinned.
 * @param usable cores that the process may use, ascending.
 */
export function coresOf(count: number, first: number, usable: readonly number[]): number[] {
  const at = usable.indexOf(first);
  return Array.from({ length: count }, (_, number) =>
    at < 0 ? first : (usable[(at + number) % usable.length] ?? first),
  );
}
