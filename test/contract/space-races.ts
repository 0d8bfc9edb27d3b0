/**
 * L6 under errors: errors come at every point of a connection's life while `space()` is asked for in every
 * callback; in the long form more than 100,000 errors on each target. In the C++ library the error handler
 * frees memory on one thread that `space()` reads on another.
 */
import { inForm } from '../support/form.js';
import type { CaseLimits, ContractCase } from './case.js';
import { Harness, failurePoints, type FailurePoint } from './race.js';
import {
  CONNECTED,
  DIALING,
  ENDED,
  ENDING,
  INJECTIONS,
  RECEIVED,
  SEND_BUFFER,
  UNDER_WAY,
  UNREAD,
  WINDOW,
  WITHHELD,
  WRITTEN,
} from './failure-points.js';

const SEED = 20_260_719;
/** Errors in each of eight cases. */
const ERRORS = inForm({ short: 3000, long: 12_500 });
/** Errors in the case in which each of them is expensive. */
const FEW_ERRORS = inForm({ short: 500, long: 1500 });
const SPACES = inForm({ short: 20_000, long: 80_000 });
/** Small buffers, which are full soon. */
const SMALL: CaseLimits = { sendBufferBytes: SEND_BUFFER, receiveWindowBytes: WINDOW };
/**
 * A few send buffers of this size are more than the system's own buffers take. The send budget must not
 * interfere: many of these connections are closed and not read.
 */
const LARGE: CaseLimits = {
  sendBufferBytes: 1 << 20,
  receiveWindowBytes: WINDOW,
  sendBudgetBytes: 2 ** 40,
};

function underFire(
  when: string,
  points: readonly FailurePoint[],
  limits: CaseLimits = SMALL,
  errors = ERRORS,
): ContractCase {
  return {
    id: `L6.errors-${when.replaceAll(' ', '-')}`,
    title: `space() is right in every callback while ${errors} errors come: ${when}`,
    limits,
    async run(env) {
      const harness = new Harness(env, SEED, points);
      await harness.race(errors);
      harness.expectReached(errors, SPACES);
    },
  };
}

export const SPACE_RACES: readonly ContractCase[] = [
  underFire('dialing', DIALING),
  underFire('connected', failurePoints(CONNECTED, INJECTIONS)),
  underFire('written', failurePoints(WRITTEN, INJECTIONS)),
  underFire('under way', failurePoints(UNDER_WAY, INJECTIONS)),
  underFire('received', failurePoints(RECEIVED, INJECTIONS)),
  underFire('withheld', failurePoints(WITHHELD, INJECTIONS)),
  underFire('ending', failurePoints(ENDING, INJECTIONS)),
  underFire('ended', failurePoints(ENDED, INJECTIONS)),
  underFire('unread', failurePoints(UNREAD, INJECTIONS), LARGE, FEW_ERRORS),
];
