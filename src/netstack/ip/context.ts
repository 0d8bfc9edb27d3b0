/** Shared by the parts of IP: one object for each host. */
import type { MonotonicClock } from '../../support/clock.js';
import type { Timers } from '../../support/timers.js';
import type { Counters } from '../counters.js';
import type { FramePool } from '../frame.js';
import type { IpProfile } from '../profile.js';
import type { Output } from './output.js';
import type { Routing } from './routing.js';

export interface IpContext {
  readonly profile: IpProfile;
  readonly frames: FramePool;
  readonly counters: Counters;
  readonly clock: MonotonicClock;
  readonly timers: Timers;
  /** Chance: at least 0, less than 1. */
  readonly random: () => number;
  readonly routing: Routing;
  readonly output: Output;
}
