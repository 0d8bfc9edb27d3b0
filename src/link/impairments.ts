/**
 * Impairments of the packets of one direction, in the order in which they act: MTU, loss, duplication,
 * corruption, queue, rate, delay. Names and models are those of Linux's netem (tc-netem(8)) and of RFC 8289.
 */

/** Loss in bursts: Gilbert and Elliot's model, as netem's `gemodel`. All are probabilities. */
export interface BurstLoss {
  /** From the good state to the bad one, for each packet. */
  readonly p: number;
  /** From the bad state to the good one. Default: 1 − p. */
  readonly r?: number;
  /** That a packet is lost in the bad state is 1 − h. Default of h: 0. */
  readonly h?: number;
  /** That a packet is lost in the good state is 1 − k. Default of k: 1. */
  readonly k?: number;
}

/** CoDel (RFC 8289). */
export interface CoDelOptions {
  /** Sojourn time that is acceptable, in milliseconds. Default: 5. */
  readonly targetMs?: number;
  /** Time above it after which packets are dropped, in milliseconds. Default: 100. */
  readonly intervalMs?: number;
}

/** The queue in front of a rate. A packet that does not fit is dropped. */
export interface QueueOptions {
  /** Default: 1000. */
  readonly packets?: number;
  /** Default: no limit but that of packets. */
  readonly bytes?: number;
  readonly codel?: CoDelOptions | boolean;
}

export const DISTRIBUTIONS = ['uniform', 'normal', 'pareto', 'paretonormal'] as const;

export type DelayDistribution = (typeof DISTRIBUTIONS)[number];

/** A radio that sleeps between beacons. Its own frames leave at once. */
export interface PowerSave {
  /** Interval of beacons in milliseconds. Default: 102.4. */
  readonly beaconMs?: number;
  /** Beacons between two that announce frames. Default: 1. */
  readonly dtim?: number;
  /** Time that the station stays awake after a frame, in milliseconds. Default: 15. */
  readonly awakeMs?: number;
}

/** Options of one direction. Each is off unless it is set. */
export interface Impairments {
  /** Bytes of the largest packet that gets through, if less than the interfaces admit. */
  readonly pathMtu?: number | undefined;
  /** True: a packet that is too large vanishes; false: its sender hears of it by ICMP. Default: false. */
  readonly blackHole?: boolean | undefined;
  /** Probability of loss. */
  readonly loss?: number | undefined;
  readonly burstLoss?: BurstLoss | undefined;
  /** Numbers of packets of this direction that are lost; the first packet is number 1. */
  readonly dropList?: readonly number[] | undefined;
  /** Probability that a packet is sent twice. */
  readonly duplicate?: number | undefined;
  /** Probability that one bit of a packet is inverted. */
  readonly corrupt?: number | undefined;
  readonly queue?: QueueOptions | undefined;
  readonly bitsPerSecond?: number | undefined;
  /** Bytes that each packet costs more than its own: preamble, header, gap. */
  readonly overheadBytes?: number | undefined;
  /** Packets leave together at multiples of this time, as aggregated frames of Wi-Fi do, in milliseconds. */
  readonly slotMs?: number | undefined;
  /** Packets in one slot at most. Default: no limit. */
  readonly slotPackets?: number | undefined;
  readonly delayMs?: number | undefined;
  /** Deviation of the delay in milliseconds. Packets keep their order. */
  readonly jitterMs?: number | undefined;
  readonly distribution?: DelayDistribution | undefined;
  /** Each `gap`-th packet (default: each) overtakes the others, with a probability of `percent`, 0 to 100. */
  readonly reorder?: { readonly percent: number; readonly gap?: number } | undefined;
  /** The receiving host is a station that sleeps; of a whole link: the first end is one. */
  readonly powerSave?: PowerSave | boolean | undefined;
}

/** Reasons for which a link drops a packet. */
export type DropReason =
  | 'cut'
  | 'rule'
  | 'too big'
  | 'loss'
  | 'burst loss'
  | 'drop list'
  | 'queue full'
  | 'CoDel'
  | 'link full'
  | 'host down'
  | 'NAT'
  | 'not for this port';

const NS_PER_MS = 1_000_000;

/** Returns whole nanoseconds. */
export function nsOf(ms: number): number {
  return Math.round(ms * NS_PER_MS);
}
