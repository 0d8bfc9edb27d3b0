/**
 * A descriptor that one thread hands to another one of the process. It has one owner at any time, also if the
 * receiver ends, or the giver changes its mind, while the message is on its way.
 */
import { loadAddon } from '../addon/load-addon.js';

/** Values of the word that both threads see. */
const OFFERED = 0;
const TAKEN = 1;
const WITHDRAWN = 2;

export interface HandedDescriptor {
  readonly descriptor: number;
  readonly state: Int32Array;
}

/**
 * Offers a duplicate of a descriptor, which the giver withdraws when the receiver has ended. `undefined` if
 * there is no descriptor left.
 */
export function handOver(descriptor: number): HandedDescriptor | undefined {
  try {
    const duplicate = loadAddon().addon?.duplicateDescriptor(descriptor);
    if (duplicate === undefined) return undefined;
    const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    return { descriptor: duplicate, state };
  } catch {
    return undefined;
  }
}

/** Returns the descriptor, which is the caller's from now on; `undefined` if it is not offered any more. */
export function takeDescriptor({ descriptor, state }: HandedDescriptor): number | undefined {
  return Atomics.compareExchange(state, 0, OFFERED, TAKEN) === OFFERED ? descriptor : undefined;
}

/** Closes the descriptor unless it was taken. */
export function withdrawDescriptor({ descriptor, state }: HandedDescriptor): void {
  if (Atomics.compareExchange(state, 0, OFFERED, WITHDRAWN) !== OFFERED) return;
  loadAddon().addon?.closeDescriptor(descriptor);
}
