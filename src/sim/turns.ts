/** Turns of networks in macrotasks of the runtime, and the program's immediates, which come before them. */
import { macrotask } from '../support/macrotask.js';
import { waitingImmediates } from './runtime.js';

/** Turns that wait: of one network at most one, but several networks may run. */
let waiting = 0;

/** Runs a turn of a network when the runtime's immediates have run that wait now. */
export function nextTurn(turn: () => void): void {
  waiting += 1;
  macrotask(() => {
    waiting -= 1;
    turn();
  });
}

/**
 * Returns true if the program is known to have immediates that wait. A turn of a network may be one of the
 * runtime's immediates, and is none of the program's.
 */
export function hasImmediates(): boolean {
  return waitingImmediates() > waiting;
}
