/**
 * A scenario is a test of the stack `kernel` that changes its surroundings. It runs in a process of its own
 * (`scenario-program.ts`), whose descriptors may be used up, and on request in a network namespace of its
 * own, whose firewall and settings it may change.
 */
import type { Peer } from '../e2e/programs.js';
import type { World } from './world.js';

export interface Scenario {
  /** The behaviour that the scenario protects. Unique in its file. */
  readonly title: string;
  /** Runs in a network namespace of its own, in which only `lo` is up. */
  readonly ownNetwork?: boolean;
  /** Uses IPv6. Needs `ownNetwork`, too: only a namespace of its own certainly has IPv6. */
  readonly usesIpv6?: boolean;
  readonly needs: readonly Peer[];
  run(world: World): Promise<void>;
}
