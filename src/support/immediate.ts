/**
 * The runtime's immediates, as they were when this module was loaded: a test's fake timers, installed later,
 * stop the test's own code and no socket.
 */
import { ticksCaused } from './callback-scope.js';

const { setImmediate: runtimeSetImmediate, clearImmediate } = globalThis;

export { clearImmediate };

/** Runs `job` as an immediate of the runtime. A loop in virtual time hears of it, and gives it its turn. */
export function setImmediate(job: () => void): NodeJS.Immediate {
  ticksCaused();
  return runtimeSetImmediate(job);
}
