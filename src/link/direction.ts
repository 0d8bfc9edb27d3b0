/**
 * One direction of a link. A packet passes its impairments in the order of `Impairments`, travels in a
 * lane, and reaches the port at the end. A direction owns the frames that it is given until it gives them
 * to the port or back to the pool.
 *
 *     transmit → rules → MTU → NAT → loss → duplicate → corrupt → shaper → delay → lane → gate → port
 */
import type { Frame, FramePool } from '../netstack/frame.js';
import type { SeededRandom } from '../support/seeded-random.js';
import { throwUncaught } from '../support/uncaught.js';
import { checkImpairments } from './check-impairments.js';
import { Damage, type DamageEnd } from './damage.js';
import { DelayLine } from './delay-line.js';
import { forgeFragments, forgeReset, forgeTooBig } from './forge.js';
import { Gate } from './gate.js';
import { nsOf, type DropReason, type Impairments } from './impairments.js';
import { Lane, type LaneEnd } from './lane.js';
import { LatePackets } from './late-packets.js';
import { PacketView } from './packet-view.js';
import type { LinkEnd, LinkTap, Middlebox, Port } from './ports.js';
import { RuleList, type LinkRule, type Verdict } from './rules.js';
import { Shaper, type ShaperEnd } from './shaper.js';
import type { Timeline } from './timeline.js';

/** Holder of the cuts that a program makes by `cut()`. */
const PROGRAM = {};

/** The surroundings of a direction in its network. */
export interface DirectionOptions {
  readonly from: LinkEnd;
  readonly to: LinkEnd;
  /** Name of the link. */
  readonly link: string;
  readonly timeline: Timeline;
  readonly frames: FramePool;
  readonly random: SeededRandom;
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
}

export class Direction implements LaneEnd, ShaperEnd, DamageEnd {
  /** Names of the hosts at both ends, of the direction (`device > gateway`), and of the link. */
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly link: string;
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
  readonly #timeline: Timeline;
  readonly #frames: FramePool;
  readonly #lane: Lane;
  /** Packets that overtake those of the lane. */
  readonly #fastLane: Lane;
  readonly #shaper: Shaper;
  readonly #gate: Gate;
  readonly #rules = new RuleList();
  readonly #packet: PacketView;
  readonly #dropped = new Map<DropReason, number>();
  #taps: readonly LinkTap[] = [];
  #middlebox: Middlebox | undefined;
  #reverse: Direction | undefined;
  #options: Impairments = {};
  readonly #damage: Damage;
  readonly #late: LatePackets;
  readonly #delay: DelayLine;
  /** Packets that a rule makes late, and the time by which, until they leave. */
  readonly #lateNs = new Map<Frame, number>();
  /** The same of the packet that is being judged, and of its copies and fragments. */
  #judgedLateNs = 0;
  /** Holders of cuts. */
  readonly #cuts = new Set<object>();
  /** True if a packet goes into the lane as it is. */
  #isPlain = true;
  /** True if a packet meets the shaper and the delay alone. */
  #isHarmless = true;
  /** True if a packet goes from the lane to the port as it is, once none waits at the gate. */
  #isOpen = true;
  /** The port at the end; `undefined`: the host is down. */
  port: Port | undefined;
  /** Packets that were sent into the direction, and those that reached the port. */
  sent = 0;
  delivered = 0;
  /** Packets that overtook others. */
  overtaken = 0;

  constructor(options: DirectionOptions) {
    const { from, to, link, timeline, medium, mtu } = options;
    this.from = from.name;
    this.to = to.name;
    this.name = `${from.name} > ${to.name}`;
    this.link = link;
    this.medium = medium;
    this.mtu = mtu;
    this.#timeline = timeline;
    this.#frames = options.frames;
    this.#lane = new Lane(to.hostId, timeline, this);
    this.#fastLane = new Lane(to.hostId, timeline, this);
    this.#shaper = new Shaper(-1, timeline, this);
    this.#gate = new Gate(to.hostId, timeline, (frame) => {
      if (this.isCut) this.drop(frame, 'cut');
      else this.#deliver(frame);
    });
    this.#packet = new PacketView(medium);
    this.#packet.from = from.name;
    this.#packet.to = to.name;
    this.#damage = new Damage(options.frames, options.random, this);
    this.#late = new LatePackets(to.hostId, timeline, this);
    this.#delay = new DelayLine(options.random);
  }

  /** The impairments. */
  get options(): Impairments {
    return this.#options;
  }

  /** Packets that were dropped, by reason. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  /** Copies that were sent besides their packets. */
  get duplicated(): number {
    return this.#damage.duplicated;
  }

  get corrupted(): number {
    return this.#damage.corrupted;
  }

  /** Time since the start in nanoseconds. */
  get nowNs(): number {
    return this.#timeline.nowNs;
  }

  /** Sets the other direction of the link, which carries answers of the link itself. */
  setReverse(reverse: Direction): void {
    this.#reverse = reverse;
  }

  /**
   * Changes the impairments that are given; the others stay. Packets under way keep their times.
   * @throws RangeError for a value that is not allowed; TypeError for a name that is none.
   */
  set(changes: Impairments): void {
    this.#options = checkImpairments({ ...this.#options, ...changes });
    this.#damage.configure(this.#options);
    this.#delay.configure(this.#options);
    this.#shaper.configure(this.#options, this.mtu);
    this.#gate.configure(this.#options);
    this.#decide();
    if (this.#reverse !== undefined) this.#reverse.#decide();
  }

  /** Sets what sees the packets. */
  setTaps(taps: readonly LinkTap[]): void {
    this.#taps = taps;
    this.#decide();
  }

  setMiddlebox(middlebox: Middlebox | undefined): void {
    this.#middlebox = middlebox;
    this.#decide();
  }

  addRule(rule: LinkRule): void {
    this.#rules.add(rule);
    this.#decide();
  }

  removeRule(rule: LinkRule): void {
    this.#rules.remove(rule);
    this.#decide();
  }

  /**
   * Drops what is sent, and what arrives, until `heal`.
   * @param by holds the cut, which ends when each holder has healed it. Default: the program.
   */
  cut(by: object = PROGRAM): void {
    this.#cuts.add(by);
    this.#decide();
  }

  heal(by: object = PROGRAM): void {
    this.#cuts.delete(by);
    this.#decide();
  }

  get isCut(): boolean {
    return this.#cuts.size > 0;
  }

  /** True if the station at the end saves power. */
  get savesPower(): boolean {
    return this.#gate.savesPower;
  }

  /** The station at the end has sent a packet: it is awake for a while. */
  stayAwake(): void {
    this.#gate.stayAwake();
  }

  /** Keeps the packets that arrive until `release`. */
  hold(): void {
    this.#gate.hold();
    this.#decide();
  }

  /** Lets the packets that were held arrive now, in their order. */
  release(): void {
    this.#gate.release();
    this.#decide();
  }

  /** Sends a packet. */
  transmit(frame: Frame): void {
    this.sent += 1;
    if (this.#isPlain && this.#lane.isPresent && !this.#lane.isFull) this.#lane.pushNow(frame);
    else this.#judge(frame);
  }

  /** Sends a packet that the link itself has made: it meets the delay alone. */
  inject(frame: Frame): void {
    this.sent += 1;
    if (this.#taps.length > 0) this.#noteSent(frame);
    this.leave(frame, this.#timeline.nowNs);
  }

  /** A packet has come out of a lane. */
  arrive(frame: Frame): void {
    const { port } = this;
    if (this.#isOpen && this.#gate.size === 0 && port !== undefined) {
      this.delivered += 1;
      port.receive(frame);
    } else if (this.isCut) {
      this.drop(frame, 'cut');
    } else if (!this.#gate.accept(frame)) {
      this.drop(frame, 'link full');
    }
  }

  /** Counts and drops a packet. */
  drop(frame: Frame, reason: DropReason): void {
    if (this.#lateNs.size > 0) this.#lateNs.delete(frame);
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
    for (const tap of this.#taps) {
      try {
        tap.dropped(this, frame, reason);
      } catch (error) {
        throwUncaught(error);
      }
    }
    this.#frames.give(frame);
  }

  /** Drops all packets that are under way. */
  dropInFlight(reason: DropReason): void {
    for (const queue of [this.#gate, this.#late, this.#fastLane, this.#lane, this.#shaper]) {
      for (let frame = queue.shift(); frame !== undefined; frame = queue.shift()) this.drop(frame, reason);
    }
  }

  /** A packet has passed the damage: it goes to the shaper, if there is one. */
  depart(frame: Frame): void {
    if (this.#judgedLateNs > 0) this.#lateNs.set(frame, this.#judgedLateNs);
    if (this.#shaper.isNeeded) this.#shaper.push(frame);
    else this.leave(frame, this.#timeline.nowNs);
  }

  /** Sends a packet on its way, whose last bit has left at `atNs`. */
  leave(frame: Frame, atNs: number): void {
    if (this.#lateNs.size > 0) {
      const lateNs = this.#lateNs.get(frame);
      if (lateNs !== undefined) {
        this.#leaveLate(frame, atNs + lateNs);
        return;
      }
    }
    const overtakes = this.#delay.overtakes();
    const lane = overtakes ? this.#fastLane : this.#lane;
    if (lane.isFull) {
      this.drop(frame, 'link full');
      return;
    }
    if (overtakes) this.overtaken += 1;
    lane.push(frame, overtakes ? atNs : atNs + this.#delay.next());
  }

  /** Sends a packet that is late by a rule: it travels outside of the lanes. */
  #leaveLate(frame: Frame, atNs: number): void {
    this.#lateNs.delete(frame);
    if (this.#late.isFull) this.drop(frame, 'link full');
    else this.#late.push(frame, atNs + this.#delay.next());
  }

  /** Shows a packet to the taps. Their errors are the program's, and do not unwind the sender. */
  #noteSent(frame: Frame): void {
    for (const tap of this.#taps) {
      try {
        tap.sent(this, frame);
      } catch (error) {
        throwUncaught(error);
      }
    }
  }

  #deliver(frame: Frame): void {
    const port = this.port;
    if (port === undefined) {
      this.drop(frame, 'host down');
      return;
    }
    this.delivered += 1;
    for (const tap of this.#taps) {
      try {
        tap.arrived(this, frame);
      } catch (error) {
        throwUncaught(error);
      }
    }
    this.#gate.stayAwake();
    port.receive(frame);
  }

  #decide(): void {
    const isSet = Object.values(this.#options).some((value) => value !== undefined && value !== 0);
    this.#isHarmless =
      !this.isCut &&
      this.#rules.isEmpty &&
      this.#middlebox === undefined &&
      this.#options.pathMtu === undefined &&
      !this.#damage.isPossible;
    this.#isOpen = !this.isCut && !this.#gate.isHeld && !this.#gate.savesPower && this.#taps.length === 0;
    this.#isPlain =
      !isSet &&
      this.#isHarmless &&
      this.#isOpen &&
      !this.#shaper.isNeeded &&
      this.#reverse?.savesPower !== true;
  }

  #judge(frame: Frame): void {
    if (this.#taps.length > 0) this.#noteSent(frame);
    this.#reverse?.stayAwake();
    if (this.#isHarmless) {
      this.depart(frame);
      return;
    }
    if (this.isCut) {
      this.drop(frame, 'cut');
      return;
    }
    let verdict: Verdict = 'pass';
    frame.isVerified = false;
    if (!this.#rules.isEmpty) {
      verdict = this.#rules.decide(this.#read(frame));
      if (this.#isRefused(frame, verdict, 'rule')) return;
    }
    if (this.#isTooBig(frame)) return;
    if (this.#middlebox !== undefined) {
      const passed = this.#middlebox.pass(this.#read(frame), this);
      if (this.#isRefused(frame, passed, 'NAT')) return;
    }
    if (typeof verdict === 'object') this.#judgedLateNs = nsOf(verdict.delayMs);
    this.#passFitting(frame, verdict);
    this.#judgedLateNs = 0;
  }

  #read(frame: Frame): PacketView {
    this.#packet.number = this.sent;
    return this.#packet.read(frame);
  }

  /** Drops a packet if the verdict says so. Returns true if it is gone. */
  #isRefused(frame: Frame, verdict: Verdict, reason: DropReason): boolean {
    if (verdict === 'reset') this.#reset(frame, reason === 'rule');
    if (verdict !== 'reset' && verdict !== 'drop') return false;
    this.drop(frame, reason);
    return true;
  }

  #reset(frame: Frame, ofBoth: boolean): void {
    const packet = this.#packet.read(frame);
    if (!packet.isTcp || packet.isReset) return;
    this.#reverse?.inject(forgeReset(this.#frames, packet, 'sender'));
    if (!ofBoth || !packet.isAck) return;
    const reset = forgeReset(this.#frames, packet.read(frame), 'receiver');
    // The packet itself has not met the NAT: the receiver knows its sender by another address.
    const passed = this.#middlebox?.pass(this.#packet.read(reset), this) ?? 'pass';
    if (passed === 'pass') this.inject(reset);
    else this.#frames.give(reset);
  }

  /**
   * Drops a packet that is larger than the MTU of the path and may not be cut. Its sender hears of it in
   * front of a NAT, which both know by the same address.
   */
  #isTooBig(frame: Frame): boolean {
    const { pathMtu, blackHole = false } = this.#options;
    if (pathMtu === undefined) return false;
    const packet = this.#read(frame);
    if (fits(packet, pathMtu) || !packet.isUnfragmentable) return false;
    if (!blackHole) this.#reverse?.inject(forgeTooBig(this.#frames, packet, pathMtu));
    this.drop(frame, 'too big');
    return true;
  }

  /** Passes a packet on, cut into fragments if it is larger than the MTU of the path. */
  #passFitting(frame: Frame, verdict: Verdict): void {
    const { pathMtu } = this.#options;
    if (pathMtu !== undefined && !fits(this.#read(frame), pathMtu)) {
      forgeFragments(this.#frames, this.#packet, pathMtu, (fragment) => {
        this.#damage.pass(fragment, this.sent, verdict);
      });
      this.#frames.give(frame);
    } else {
      this.#damage.pass(frame, this.sent, verdict);
    }
  }
}

function fits({ end, ipStart, protocol }: PacketView, mtu: number): boolean {
  return end - ipStart <= mtu || protocol < 0;
}
