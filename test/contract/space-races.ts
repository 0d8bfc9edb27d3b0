/**
 * L6 under fire: errors that come at every moment of a connection's life while `space()` is asked for in
 * every callback, more than 100,000 of them in all. In the C++ library the handler of an error frees on one
 * thread what `space()` reads on another.
 */
import type { CaseLimits, ContractCase } from './case.js';
import { Arena, momentsOf, type Moment } from './race.js';
import {
  CONNECTED,
  DIALING,
  ENDED,
  ENDING,
  FAULTS,
  RECEIVED,
  SEND_BUFFER,
  UNDER_WAY,
  UNREAD,
  WINDOW,
  WITHHELD,
  WRITTEN,
} from './failure-points.js';

const SEED = 20_260_719;
/** In each of eight cases. */
const ERRORS = 12_500;
/** Where each of them is dear. */
const FEW_ERRORS = 1500;
const SPACES = 80_000;
/** Small, so that both are full soon. */
const SMALL: CaseLimits = { sendBufferBytes: SEND_BUFFER, receiveWindowBytes: WINDOW };
/**
 * A few send buffers of this size are more than the system's own take. The budget is not what is tried: many
 * of these connections are closed and not read.
 */
const LARGE: CaseLimits = {
  sendBufferBytes: 1 << 20,
  receiveWindowBytes: WINDOW,
  sendBudgetBytes: 2 ** 40,
};

function underFire(
  when: string,
  moments: readonly Moment[],
  limits: CaseLimits = SMALL,
  errors = ERRORS,
): ContractCase {
  return {
    id: `L6.errors-${when.replaceAll(' ', '-')}`,
    title: `space() is right in every callback while ${errors} errors come: ${when}`,
    limits,
    async run(env) {
      const arena = new Arena(env, SEED, moments);
      await arena.race(errors);
      arena.expectReached(errors, SPACES);
    },
  };
}

export const SPACE_RACES: readonly ContractCase[] = [
  underFire('dialing', DIALING),
  underFire('connected', momentsOf(CONNECTED, FAULTS)),
  underFire('written', momentsOf(WRITTEN, FAULTS)),
  underFire('under way', momentsOf(UNDER_WAY, FAULTS)),
  underFire('received', momentsOf(RECEIVED, FAULTS)),
  underFire('withheld', momentsOf(WITHHELD, FAULTS)),
  underFire('ending', momentsOf(ENDING, FAULTS)),
  underFire('ended', momentsOf(ENDED, FAULTS)),
  underFire('unread', momentsOf(UNREAD, FAULTS), LARGE, FEW_ERRORS),
];
