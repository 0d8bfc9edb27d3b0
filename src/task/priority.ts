/**
 * Maps FreeRTOS priorities to nice values of a Unix thread. Priority 3, the task's usual one, is nice 0.
 * The three steps below it, down to FreeRTOS's idle priority, go to nice 19; the 21 steps above it, up to
 * ESP-IDF's highest priority, go to nice −20:
 *
 * - priorities 0, 1, 2, 3, 4, 5, 10, 15, 20, 24
 * - have nice 19, 13, 6, 0, −1, −2, −7, −11, −16, −20
 */
export const LOWEST_PRIORITY = 0;
export const USUAL_PRIORITY = 3;
export const HIGHEST_PRIORITY = 24;
const LOWEST_NICE = -20;
const HIGHEST_NICE = 19;

/** Returns the nice value of a priority from 0 to 24. */
export function niceOfPriority(priority: number): number {
  const steps = priority - USUAL_PRIORITY;
  if (steps === 0) return 0;
  return steps > 0
    ? Math.round((steps * LOWEST_NICE) / (HIGHEST_PRIORITY - USUAL_PRIORITY))
    : Math.round((-steps * HIGHEST_NICE) / (USUAL_PRIORITY - LOWEST_PRIORITY));
}

/**
 * Returns the priority whose nice value is the nearest: the priority that a thread has in effect.
 * @param requested preferred among equally near ones: 13 and 14 have the same nice value.
 */
export function priorityOfNice(nice: number, requested: number): number {
  let nearest = requested;
  for (let priority = LOWEST_PRIORITY; priority <= HIGHEST_PRIORITY; priority += 1) {
    const distance = Math.abs(niceOfPriority(priority) - nice);
    if (distance < Math.abs(niceOfPriority(nearest) - nice)) nearest = priority;
  }
  return nearest;
}
