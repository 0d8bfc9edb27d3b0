/** What a host counts: packets, and those that it has dropped, each with its reason. */

/** Reasons for which a packet is dropped below TCP and UDP. */
export const DROP_REASONS = [
  'badVersion',
  'shortPacket',
  'badHeaderLength',
  'badTotalLength',
  'badHeaderChecksum',
  'badSource',
  'spoofedSource',
  'notForThisHost',
  'noRoute',
  'loopbackFull',
  'unknownProtocol',
  'fragment',
  'tooBig',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

export class Counters {
  /** Packets that interfaces have received, sent, and passed on as a router does. */
  received = 0;
  sent = 0;
  forwarded = 0;
  readonly #drops = new Map<DropReason, number>();

  drop(reason: DropReason): void {
    this.#drops.set(reason, this.dropped(reason) + 1);
  }

  /** Returns the number of packets dropped for a reason. */
  dropped(reason: DropReason): number {
    return this.#drops.get(reason) ?? 0;
  }

  /** Reasons for which packets were dropped, with their numbers. */
  get drops(): ReadonlyMap<DropReason, number> {
    return this.#drops;
  }
}
