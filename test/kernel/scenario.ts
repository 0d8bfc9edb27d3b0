/**
 * What a scenario is: a story of the stack on the kernel's TCP and of what happens around it. Each runs in a
 * process of its own (`scenario-program.ts`), which may be starved, and, where it says so, in a network namespace of its
 * own, which may be cut off.
 */
import type { Peer } from '../e2e/programs.js';
import type { World } from './world.js';

export interface Scenario {
  /** What it protects. Unique in its file. */
  readonly title: string;
  /** In a network namespace of its own, in which only `lo` is up. */
  readonly isAlone?: boolean;
  /** Uses IPv6; then it is alone as well, as only a namespace of one's own is sure to have it. */
  readonly usesIpv6?: boolean;
  readonly needs: readonly Peer[];
  run(world: World): Promise<void>;
}
