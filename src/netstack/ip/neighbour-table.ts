/**
 * Neighbours of one interface and family: which link address an IP address has, and whether it still answers.
 * ARP and neighbour discovery ask and answer; this table keeps what they learn.
 *
 * Entries live as `NeighbourRules` says: by the states of RFC 4861 §7.3.2, which Linux also uses for ARP,
 * or by age alone, as lwIP's ARP does.
 */
import type { MonotonicClock } from '../../support/clock.js';
import { Timer, type TimerOwner, type Timers } from '../../support/timers.js';
import type { Counters } from '../counters.js';
import type { Frame, FramePool } from '../frame.js';
import type { Address } from '../wire/address.js';
import { type MacAddress, ZERO_MAC } from '../wire/ethernet.js';

/** States of RFC 4861 §7.3.2. */
export const NeighbourState = { INCOMPLETE: 0, REACHABLE: 1, STALE: 2, DELAY: 3, PROBE: 4 } as const;
export type NeighbourState = (typeof NeighbourState)[keyof typeof NeighbourState];

/** Milliseconds between two requests (RFC 4861 §10, RETRANS_TIMER; RFC 1122 §2.3.2.1). */
export const RETRANSMIT_MS = 1000;
/** Milliseconds in which a neighbour in use may prove itself before it is probed: DELAY_FIRST_PROBE_TIME. */
export const FIRST_PROBE_MS = 5000;
/** Requests to the address itself: MAX_UNICAST_SOLICIT. */
const MOST_UNICAST_PROBES = 3;

/** Packets that wait in one table, before fewer may wait for each neighbour. */
export const MOST_WAITING_PACKETS = 1024;
/** Packets that may wait for a neighbour then. */
const FEW_PACKETS = 3;

export interface NeighbourRules {
  /** Entries; packets that wait for one of them. */
  readonly most: number;
  readonly queuedPackets: number;
  /** Milliseconds for which an entry that was confirmed is good. */
  readonly lifeMs: number;
  /** Requests that are sent, one in `RETRANSMIT_MS`, before the address is given up. */
  readonly requests: number;
  /** Ages at which a used entry is asked for again, once in two seconds; `undefined`: by RFC 4861 §7.3.3. */
  readonly refreshMs: readonly [unicastMs: number, broadcastMs: number] | undefined;
}

/** Asks for link addresses, and sends what waited for them. */
export interface NeighbourProtocol {
  /** Sends a request: to the neighbour alone, or to all. */
  solicit(neighbour: Neighbour, isUnicast: boolean): void;
  /** Sends a frame to the neighbour, and owns it from now on. */
  transmitTo(neighbour: Neighbour, frame: Frame): void;
  /** Takes a frame whose neighbour did not answer, and owns it from now on. */
  unresolved(frame: Frame): void;
}

/** Parts of the host that a table uses. */
export interface NeighbourHost {
  readonly clock: MonotonicClock;
  readonly timers: Timers;
  readonly frames: FramePool;
  readonly counters: Counters;
}

export class Neighbour {
  readonly address: Address;
  readonly timer: Timer;
  state: NeighbourState = NeighbourState.INCOMPLETE;
  mac: MacAddress = ZERO_MAC;
  /** Time until which a reachable entry is good. */
  reachableUntilMs = 0;
  /** Requests since the state began. */
  requests = 0;
  askedAtMs = Number.NEGATIVE_INFINITY;
  isRouter = false;
  /** True: the table has forgotten it. */
  isRemoved = false;
  /** Frames that wait for the link address, the oldest first. */
  readonly waiting: Frame[] = [];

  constructor(address: Address, due: (neighbour: Neighbour) => void) {
    this.address = address;
    const owner: TimerOwner = {
      due: () => {
        due(this);
      },
    };
    this.timer = new Timer(owner);
  }
}

export class NeighbourTable {
  readonly #host: NeighbourHost;
  readonly #rules: NeighbourRules;
  readonly #protocol: NeighbourProtocol;
  readonly #entries = new Map<string, Neighbour>();
  /** Packets that wait for all neighbours. */
  #waiting = 0;

  constructor(host: NeighbourHost, rules: NeighbourRules, protocol: NeighbourProtocol) {
    this.#host = host;
    this.#rules = rules;
    this.#protocol = protocol;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(address: Address): Neighbour | undefined {
    return this.#entries.get(address.toString());
  }

  /** Returns the entry of an address, made if there is none. */
  entryOf(address: Address): Neighbour {
    const known = this.find(address);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#rules.most) this.#makeRoom();
    const neighbour = new Neighbour(address, (entry) => {
      this.#due(entry);
    });
    this.#entries.set(address.toString(), neighbour);
    return neighbour;
  }

  /** Sends a frame to a neighbour as soon as its link address is known. Owns the frame from now on. */
  send(neighbour: Neighbour, frame: Frame): void {
    const nowMs = this.#host.clock.nowMs();
    if (neighbour.state === NeighbourState.REACHABLE && nowMs >= neighbour.reachableUntilMs) {
      neighbour.state =
        this.#rules.refreshMs === undefined ? NeighbourState.STALE : NeighbourState.INCOMPLETE;
    }
    if (neighbour.state === NeighbourState.INCOMPLETE) {
      this.#queue(neighbour, frame);
      return;
    }
    if (neighbour.state === NeighbourState.STALE) {
      neighbour.state = NeighbourState.DELAY;
      this.#host.timers.arm(neighbour.timer, nowMs + FIRST_PROBE_MS);
    }
    this.#protocol.transmitTo(neighbour, frame);
    if (this.#rules.refreshMs !== undefined) this.#refresh(neighbour, this.#rules.refreshMs, nowMs);
  }

  /** Notes that the neighbour answers (RFC 4861 §7.3.1). */
  confirm(neighbour: Neighbour): void {
    // By age alone, only an answer of the protocol itself makes an entry younger.
    if (neighbour.state === NeighbourState.INCOMPLETE || this.#rules.refreshMs !== undefined) return;
    this.#setReachable(neighbour);
  }

  /** Notes the link address of a neighbour, and that it was heard of, or has answered. */
  learn(neighbour: Neighbour, mac: MacAddress, hasAnswered: boolean): void {
    const isNew = neighbour.state === NeighbourState.INCOMPLETE || !neighbour.mac.equals(mac);
    neighbour.mac = mac;
    if (hasAnswered || this.#rules.refreshMs !== undefined) this.#setReachable(neighbour);
    else if (isNew) this.#setStale(neighbour);
    for (const frame of this.#takeWaiting(neighbour)) this.send(neighbour, frame);
  }

  /** Doubts that the neighbour answers at the link address that is known (RFC 4861 §7.2.5). */
  doubt(neighbour: Neighbour): void {
    if (neighbour.state === NeighbourState.REACHABLE) this.#setStale(neighbour);
  }

  #setReachable(neighbour: Neighbour): void {
    neighbour.state = NeighbourState.REACHABLE;
    neighbour.reachableUntilMs = this.#host.clock.nowMs() + this.#rules.lifeMs;
    if (neighbour.timer.armed) this.#host.timers.disarm(neighbour.timer);
  }

  #setStale(neighbour: Neighbour): void {
    neighbour.state = NeighbourState.STALE;
    this.#host.timers.disarm(neighbour.timer);
  }

  #queue(neighbour: Neighbour, frame: Frame): void {
    const { queuedPackets } = this.#rules;
    // Packets to many neighbours that are not there must not take all memory.
    const most = this.#waiting < MOST_WAITING_PACKETS ? queuedPackets : Math.min(queuedPackets, FEW_PACKETS);
    if (neighbour.waiting.length >= most) {
      // The latest packets are worth most (RFC 1122 §2.3.2.2).
      const oldest = neighbour.waiting.shift();
      if (oldest !== undefined) this.#host.frames.give(oldest);
      this.#host.counters.drop('neighbourQueueFull');
      this.#waiting -= 1;
    }
    neighbour.waiting.push(frame);
    this.#waiting += 1;
    if (neighbour.timer.armed) return;
    neighbour.requests = 0;
    this.#ask(neighbour, false);
  }

  #ask(neighbour: Neighbour, isUnicast: boolean): void {
    const nowMs = this.#host.clock.nowMs();
    neighbour.requests += 1;
    neighbour.askedAtMs = nowMs;
    this.#host.timers.arm(neighbour.timer, nowMs + RETRANSMIT_MS);
    this.#protocol.solicit(neighbour, isUnicast);
  }

  /** Asks for an entry in use again before it is too old, as lwIP does, at most once in two seconds. */
  #refresh(neighbour: Neighbour, [unicastMs, broadcastMs]: readonly [number, number], nowMs: number): void {
    const ageMs = nowMs - (neighbour.reachableUntilMs - this.#rules.lifeMs);
    if (ageMs < unicastMs || nowMs < neighbour.askedAtMs + 2 * RETRANSMIT_MS) return;
    neighbour.askedAtMs = nowMs;
    this.#protocol.solicit(neighbour, ageMs < broadcastMs);
  }

  #due(neighbour: Neighbour): void {
    const isIncomplete = neighbour.state === NeighbourState.INCOMPLETE;
    if (neighbour.state === NeighbourState.DELAY) {
      neighbour.state = NeighbourState.PROBE;
      neighbour.requests = 0;
    }
    const most = isIncomplete ? this.#rules.requests : MOST_UNICAST_PROBES;
    if (neighbour.requests < most) {
      this.#ask(neighbour, !isIncomplete);
      return;
    }
    this.#remove(neighbour);
    for (const frame of this.#takeWaiting(neighbour)) this.#protocol.unresolved(frame);
  }

  #takeWaiting({ waiting }: Neighbour): Frame[] {
    this.#waiting -= waiting.length;
    return waiting.splice(0);
  }

  #remove(neighbour: Neighbour): void {
    neighbour.isRemoved = true;
    this.#host.timers.disarm(neighbour.timer);
    this.#entries.delete(neighbour.address.toString());
  }

  /**
   * Forgets one entry. By RFC 4861 the one that was asked for the longest without an answer goes first,
   * so that made-up senders do not drive out the neighbours in use; lwIP's ARP forgets an answered one
   * first (`etharp_find_entry`).
   */
  #makeRoom(): void {
    const knownFirst = this.#rules.refreshMs !== undefined;
    let oldest: Neighbour | undefined;
    for (const neighbour of this.#entries.values()) {
      if (oldest === undefined || isOlder(neighbour, oldest, knownFirst)) oldest = neighbour;
    }
    if (oldest === undefined) return;
    this.#remove(oldest);
    for (const frame of this.#takeWaiting(oldest)) {
      this.#host.counters.drop('neighbourQueueFull');
      this.#host.frames.give(frame);
    }
  }
}

/** Returns true if `one` makes room before `other`, which is in the table for longer. */
function isOlder(one: Neighbour, other: Neighbour, knownFirst: boolean): boolean {
  const isKnown = one.state !== NeighbourState.INCOMPLETE;
  const isOtherKnown = other.state !== NeighbourState.INCOMPLETE;
  if (isKnown !== isOtherKnown) return isKnown === knownFirst;
  return isKnown && one.reachableUntilMs < other.reachableUntilMs;
}
