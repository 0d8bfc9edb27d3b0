/**
 * TCP of one host: finds the connection of a segment, answers segments of none with a reset (RFC 9293
 * §3.10.7.1), and keeps the tables. See `connection.ts` for the parts of a connection, and `raw-api.ts`
 * for the order of calls.
 */
import { assert } from '../../support/assert.js';
import type { MonotonicClock } from '../../support/clock.js';
import type { Timers } from '../../support/timers.js';
import { isBufferSize, isCount, isPort } from '../numbers.js';
import type { TcpProfile } from '../profile.js';
import type {
  TcpApi,
  TcpConnectTarget,
  TcpListenerSocket,
  TcpListenTarget,
  TcpRefusal,
  TcpSocket,
} from '../raw-api.js';
import type { Address } from '../wire/address.js';
import { TcpFlag } from '../wire/tcp-header.js';
import { Segment } from '../wire/tcp-segment.js';
import { AnswerLimit } from './answer-limit.js';
import { abort, fail } from './close.js';
import { beginConnect } from './connect.js';
import { TcpConnection } from './connection.js';
import { ConnectionTable } from './connection-table.js';
import { TcpCounters } from './counters.js';
import type { TcpHost } from './host.js';
import { InitialSequence } from './initial-sequence.js';
import { receiveSegment } from './input.js';
import type { IcmpReport, IpPacket, IpService } from './ip-service.js';
import { isForListener, TcpListener } from './listener.js';
import { output } from './output.js';
import { Queue } from './queue.js';
import { Ports, PortSharing } from './ports.js';
import { isInFlight, quotedPorts, reportIcmp } from './icmp-report.js';
import { sendResetFor } from './reset-writer.js';
import { ReceiveBuffer } from './receive-buffer.js';
import { ByteRing, RingPool } from './ring.js';
import { SentList, SentSegmentPool } from './sent-segment.js';
import { Spare } from './spare.js';
import { TcpState } from './state.js';
import { TimeWait } from './time-wait.js';
import { TimeWaitQueue } from './time-wait-queue.js';
import { TimeTable } from './time-table.js';
import { Vacancies } from './vacancies.js';

type Buffers = Pick<TcpConnectTarget, 'sendBufferBytes' | 'receiveWindowBytes'>;

export interface TcpOptions {
  readonly profile: TcpProfile;
  readonly ip: IpService;
  readonly clock: MonotonicClock;
  readonly timers: Timers;
  /** Chance from the seed. */
  readonly random: () => number;
}

export class Tcp implements TcpApi, TcpHost {
  readonly profile: TcpProfile;
  readonly ip: IpService;
  readonly clock: MonotonicClock;
  readonly timers: Timers;
  readonly rings: Spare<ByteRing>;
  readonly receiveBuffers: Spare<ReceiveBuffer>;
  readonly sentLists: Spare<SentList>;
  readonly times = new TimeTable();
  readonly counters = new TcpCounters();
  readonly bootMs: number;
  readonly #segment = new Segment();
  readonly #table: ConnectionTable;
  readonly #ports: Ports;
  readonly #listeners = new Map<number, TcpListener[]>();
  readonly #sequence: InitialSequence;
  readonly #timeWaits: TimeWaitQueue;
  readonly #vacancies: Vacancies;
  #listenerCount = 0;
  #rotation = 0;
  readonly #scheduled = new Queue<TcpConnection>();
  readonly #lent = new Queue<TcpConnection>();
  readonly #ready = new Queue<TcpConnection | TcpListener>();
  readonly #answers: AnswerLimit;

  constructor({ profile, ip, clock, timers, random }: TcpOptions) {
    this.profile = profile;
    this.ip = ip;
    this.clock = clock;
    this.timers = timers;
    this.bootMs = clock.nowMs();
    const memory = new RingPool();
    const segments = new SentSegmentPool();
    this.rings = new Spare(() => new ByteRing(memory));
    this.receiveBuffers = new Spare(() => new ReceiveBuffer(memory));
    this.sentLists = new Spare(() => new SentList(segments));
    this.#table = new ConnectionTable(Math.floor(random() * 0x1_0000_0000));
    this.#ports = new Ports(profile.ephemeralPorts, this.#table, random);
    this.#sequence = new InitialSequence(random);
    this.#answers = new AnswerLimit(profile.challengeAcksPerSecond);
    this.#timeWaits = new TimeWaitQueue(this, (record) => {
      this.#table.remove(record);
      this.#freePort(record);
    });
    this.#vacancies = new Vacancies(profile, this.#table, this.#timeWaits, () => this.#listenerCount);
  }

  // ---- the raw API

  get connections(): number {
    return this.#table.count - this.#timeWaits.count;
  }

  get inTimeWait(): number {
    return this.#timeWaits.count;
  }

  get listeners(): number {
    return this.#listenerCount;
  }

  connect(target: TcpConnectTarget): TcpSocket | TcpRefusal {
    assert(isPort(target.port) && isPort(target.localPort ?? 0), 'a port is a number of 16 bits');
    assertBuffers(target);
    // TCP is between two hosts (RFC 9293 §3.9.2.3, MUST-57).
    if (target.address.isMulticast() || target.address.isBroadcast()) return 'unreachable';
    const path = this.ip.pathTo(target.address, target.localAddress);
    if (path === undefined) return target.localAddress === undefined ? 'unreachable' : this.#noPath(target);
    const isChosen = (target.localPort ?? 0) === 0;
    const port = isChosen ? this.#ports.choose(path.source, target.address, target.port) : target.localPort;
    if (port === undefined) return 'noPort';
    const sharing = sharingOf(target) | (isChosen ? PortSharing.CHOSEN : 0);
    if (!isChosen && !this.#mayBind(target, path.source, port)) return 'inUse';
    if (!this.#vacancies.makeRoom()) return 'noMemory';
    const { sendBufferBytes, receiveWindowBytes } = target;
    const ends = { path, localPort: port, remotePort: target.port, sendBufferBytes, receiveWindowBytes };
    const c = new TcpConnection(this, ends);
    c.portUse = this.#ports.add(path.source, port, sharing);
    this.#begin(c);
    beginConnect(c);
    return c;
  }

  #mayBind(target: TcpConnectTarget, source: Address, port: number): boolean {
    const hasTwin = this.#table.findEnds(target.address, target.port, source, port) !== undefined;
    return !hasTwin && this.#ports.isFree(source, port, sharingOf(target));
  }

  #noPath({ localAddress }: TcpConnectTarget): TcpRefusal {
    return localAddress !== undefined && !this.ip.isOwn(localAddress) ? 'notLocal' : 'unreachable';
  }

  #begin(c: TcpConnection): void {
    c.timestampOffset = this.#sequence.hash(c.remoteAddress, 0, c.localAddress, 0);
    this.#table.add(c);
  }

  listen(target: TcpListenTarget): TcpListenerSocket | TcpRefusal {
    const { address, sendBufferBytes, receiveWindowBytes } = target;
    const { maxListeners, backlog } = this.profile;
    assert(isPort(target.port), 'a port is a number of 16 bits');
    assert(isCount(target.backlog ?? 0), 'a backlog is a number of connections');
    assertBuffers(target);
    if (address !== undefined && !address.isUnspecified() && !this.ip.isOwn(address)) return 'notLocal';
    const isFull = maxListeners !== undefined && this.#listenerCount >= maxListeners;
    if (isFull || !this.#vacancies.makeRoomForListener()) return 'noMemory';
    const port = target.port === 0 ? this.#ports.unused() : target.port;
    if (port === undefined) return 'noPort';
    const sharesPort = target.sharesPort ?? false;
    const sharing = sharingOf(target);
    if (!this.#ports.isFree(address, port, sharing)) return 'inUse';
    const listener = new TcpListener(
      this,
      { address, port, backlog: target.backlog ?? backlog, sharesPort, sendBufferBytes, receiveWindowBytes },
      (closed) => this.#closed(closed),
    );
    listener.portUse = this.#ports.add(address, port, sharing);
    this.#listenerCount += 1;
    this.#listeners.set(port, [...(this.#listeners.get(port) ?? []), listener]);
    return listener;
  }

  #closed(listener: TcpListener): void {
    for (const c of this) if (c.listener === listener) abort(c);
    const left = (this.#listeners.get(listener.localPort) ?? []).filter((other) => other !== listener);
    if (left.length > 0) this.#listeners.set(listener.localPort, left);
    else this.#listeners.delete(listener.localPort);
    this.#listenerCount -= 1;
    this.#freePort(listener);
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  takeReady(): TcpConnection | TcpListener | undefined {
    const object = this.#ready.shift();
    if (object !== undefined) object.isReady = false;
    return object;
  }

  flush(): void {
    for (let c = this.#lent.shift(); c !== undefined; c = this.#lent.shift()) c.settleReceived();
    for (let c = this.#scheduled.shift(); c !== undefined; c = this.#scheduled.shift()) {
      c.isScheduled = false;
      output(c);
    }
  }

  // ---- segments

  /** Takes a packet of IP's. Returns true if the frame is TCP's from now on. */
  receive(packet: IpPacket): boolean {
    const segment = this.#segment;
    const { counters } = this;
    counters.received += 1;
    if (packet.isGroup) {
      // TCP is between two hosts (RFC 9293 §3.9.2.3, MUST-57).
      counters.drop('group');
      return false;
    }
    const fault = segment.read(packet);
    if (fault !== undefined) {
      counters.drop(fault);
      return false;
    }
    const c = this.#table.find(packet, segment.sourcePort, segment.destinationPort);
    if (c instanceof TcpConnection) {
      if (receiveSegment(c, segment) === 'reset') sendResetFor(this, packet, segment);
    } else if (!(c instanceof TimeWait)) {
      this.#receiveForListener(packet, segment, undefined);
    } else if (c.receive(segment) === 'listen') {
      this.#receiveForListener(packet, segment, c);
    }
    const isKept = segment.frame === undefined;
    segment.frame = undefined;
    return isKept;
  }

  /** @param former a connection with the same ends in TIME_WAIT, which gives way to a new one. */
  #receiveForListener(packet: IpPacket, segment: Segment, former: TimeWait | undefined): void {
    const listener = this.#findListener(packet, segment);
    if (former !== undefined) {
      if (listener?.hasRoom !== true) {
        this.counters.drop('timeWait');
        former.acknowledge();
        return;
      }
      this.#timeWaits.end(former);
    }
    if (listener === undefined || !isForListener(segment)) {
      this.counters.drop('noConnection');
      // A listener ignores what is neither a SYN nor an acknowledgement (§3.10.7.2).
      if (listener === undefined || (segment.flags & TcpFlag.ACK) !== 0) sendResetFor(this, packet, segment);
      return;
    }
    if (!listener.hasRoom || !this.#vacancies.makeRoom()) {
      this.counters.drop('backlog');
      return;
    }
    const path = this.ip.pathTo(packet.source(), packet.destination());
    if (path === undefined) {
      this.counters.drop('noPath');
      return;
    }
    const { sendBufferBytes, receiveWindowBytes } = listener.settings;
    const ends = { path, localPort: segment.destinationPort, remotePort: segment.sourcePort };
    const c = listener.receiveSyn({ ...ends, sendBufferBytes, receiveWindowBytes }, segment, former);
    this.#begin(c);
    this.schedule(c);
  }

  /** Returns the listener with the best address; those that share a port take turns. */
  #findListener(packet: IpPacket, segment: Segment): TcpListener | undefined {
    const listeners = this.#listeners.get(segment.destinationPort);
    if (listeners === undefined) return undefined;
    const address = packet.destination();
    const [only] = listeners;
    if (listeners.length === 1) return only?.covers(address) === true ? only : undefined;
    const fitting = listeners.filter((listener) => listener.covers(address));
    const exact = fitting.filter((listener) => listener.localAddress?.equals(address) === true);
    const best = exact.length > 0 ? exact : fitting;
    if (best.length > 1) this.#rotation += 1;
    return best[this.#rotation % Math.max(1, best.length)];
  }

  /** Takes an ICMP error about a segment that this host has sent (RFC 1122 §4.2.3.9). */
  report(report: IcmpReport): void {
    const c = this.#findQuoted(report);
    if (c !== undefined && isInFlight(c, report)) reportIcmp(c, report);
  }

  /** Returns true if the error is about a segment that is in flight. */
  believes(report: IcmpReport): boolean {
    const c = this.#findQuoted(report);
    if (c !== undefined && isInFlight(c, report)) return true;
    this.counters.drop('icmpGuess');
    return false;
  }

  #findQuoted(report: IcmpReport): TcpConnection | undefined {
    const ports = quotedPorts(report);
    if (ports === undefined) return undefined;
    const c = this.#table.findEnds(report.destination, ports.remote, report.source, ports.local);
    return c instanceof TcpConnection ? c : undefined;
  }

  // ---- for the connections

  schedule(c: TcpConnection): void {
    if (c.isScheduled) return;
    c.isScheduled = true;
    this.#scheduled.push(c);
  }

  lent(c: TcpConnection): void {
    this.#lent.push(c);
  }

  ready(object: TcpConnection | TcpListener): void {
    this.#ready.push(object);
  }

  forget(c: TcpConnection): void {
    this.#table.remove(c);
    this.#freePort(c);
  }

  enteredTimeWait(c: TcpConnection): void {
    const record = new TimeWait(c);
    c.portUse = undefined;
    this.#table.replace(c, record);
    this.#timeWaits.add(record);
  }

  restartTimeWait(record: TimeWait): void {
    this.#timeWaits.restart(record);
  }

  endTimeWait(c: TcpConnection): void {
    const record = this.#table.findEnds(c.remoteAddress, c.remotePort, c.localAddress, c.localPort);
    // A later connection with the same ends may have taken the place.
    if (record instanceof TimeWait && record.sndNxt === c.sndNxt) this.#timeWaits.end(record);
  }

  #freePort(object: TcpConnection | TcpListener | TimeWait): void {
    if (object.portUse !== undefined) this.#ports.remove(object.portUse);
    object.portUse = undefined;
  }

  mayChallenge(): boolean {
    return this.#answers.take(this.clock.nowMs());
  }

  initialSequence(local: Address, localPort: number, remote: Address, remotePort: number): number {
    return this.#sequence.at(this.clock.nowMs(), local, localPort, remote, remotePort);
  }

  /** Ends all connections without a segment, as a crash does. */
  crash(): void {
    for (const c of this) if (c.state !== TcpState.CLOSED) fail(c, 'aborted');
    while (this.#timeWaits.endOldest());
  }

  /** Iterates over the connections but those in TIME_WAIT, for checks and diagnostics. */
  *[Symbol.iterator](): Generator<TcpConnection> {
    for (const c of this.#table) if (c instanceof TcpConnection) yield c;
  }
}

/** Returns the bits of `PortSharing` of a port that a program names. */
function sharingOf({ sharesPort = false }: { readonly sharesPort?: boolean | undefined }): number {
  return sharesPort ? PortSharing.SHARED : PortSharing.NONE;
}

function assertBuffers({ sendBufferBytes, receiveWindowBytes }: Buffers): void {
  assert(isBufferSize(sendBufferBytes) && isBufferSize(receiveWindowBytes), 'buffers have a size');
}
