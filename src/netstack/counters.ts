/** Counters of a host: packets, and dropped ones with the reason of each. */

/** Reasons for which a packet is dropped below TCP. */
export const DROP_REASONS = [
  /** Ethernet: shorter than its header; for another host; from a group or from this host itself. */
  'shortFrame',
  'otherMac',
  'badMac',
  'unknownEtherType',
  /** ARP and neighbour discovery: malformed, or from no host. */
  'badArp',
  'badNeighbourMessage',
  'neighbourQueueFull',
  'unresolved',
  /** IP headers. */
  'badVersion',
  'shortPacket',
  'badHeaderLength',
  'badTotalLength',
  'badHeaderChecksum',
  'badOptions',
  'sourceRoute',
  'badExtensionHeader',
  'unknownOption',
  'noNextHeader',
  /** Addresses. */
  'badSource',
  'spoofedSource',
  'badDestination',
  'notForThisHost',
  /** To a group that was not joined: most of what a link's groups carry. */
  'otherGroup',
  'noRoute',
  /** Fragments. */
  'badFragment',
  'overlappingFragment',
  'reassemblyOff',
  'reassemblyFull',
  'reassemblyTimeout',
  /** Passing on. */
  'hopLimit',
  'tooBig',
  'loopbackFull',
  /** ICMP and UDP. */
  'badIcmp',
  'ignoredIcmp',
  'icmpRateLimit',
  'unknownProtocol',
  'badUdp',
  'badUdpChecksum',
  'unreachablePort',
  'udpQueueFull',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

export class Counters {
  /** Packets that interfaces have received, sent, and passed on as a router does. */
  received = 0;
  sent = 0;
  forwarded = 0;
  /** Messages of other hosts that use, or want to use, an address of this one. */
  addressConflicts = 0;
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
