/**
 * A host whose other side is written by the test: it gets segments and time, and what it sends is read as
 * lines like `PA 1:101 ack 1`. Sequence numbers count from each side's SYN, which has number 0.
 */
import assert from 'node:assert/strict';
import type { Device } from '#src/netstack/device.js';
import { FramePool, type Frame } from '#src/netstack/frame.js';
import { NetStack, type NetInterface } from '#src/netstack/netstack.js';
import { PROFILES, type ProfileName, type TcpProfile } from '#src/netstack/profile.js';
import { TcpEvent } from '#src/netstack/raw-api.js';
import { TcpConnection } from '#src/netstack/tcp/connection.js';
import { InvariantChecker } from '#src/netstack/tcp/invariants.js';
import { TcpListener } from '#src/netstack/tcp/listener.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import { Address } from '#src/netstack/wire/address.js';
import { Random } from '../support/random.js';
import {
  frameOf,
  optionBytes,
  packetOf,
  readOptions,
  readPacket,
  type Options,
  type SegmentParts,
} from './packets.js';

export const LOCAL = { 4: '10.0.0.1', 6: 'fd00::1' } as const;
export const PEER = { 4: '10.0.0.2', 6: 'fd00::2' } as const;
/** Timers that may fire in one call of `run`. */
const MOST_STEPS = 100_000;
const SEED = 1;

export interface BedOptions {
  readonly profile?: ProfileName;
  /** Numbers of the profile that the test changes. */
  readonly tcp?: Partial<TcpProfile>;
  readonly mtu?: number;
  /** The time at the start. It decides the initial sequence numbers, with the seed. */
  readonly nowMs?: number;
  readonly seed?: number;
}

/** A segment that the host has sent. */
export interface Sent extends SegmentParts {
  readonly atMs: number;
  readonly read: Options;
}

class Wire implements Device {
  readonly medium = 'ip';
  mtu: number;
  readonly frames: FramePool;
  readonly onPacket: (packet: Uint8Array) => void;

  constructor(frames: FramePool, mtu: number, onPacket: (packet: Uint8Array) => void) {
    this.frames = frames;
    this.mtu = mtu;
    this.onPacket = onPacket;
  }

  transmit(frame: Frame): void {
    this.onPacket(frame.bytes.slice(frame.start, frame.end));
    this.frames.give(frame);
  }
}

export class Bed {
  readonly frames = new FramePool();
  readonly stack: NetStack;
  readonly wire: Wire;
  readonly netInterface: NetInterface;
  readonly sent: Sent[] = [];
  /** Events of all connections and listeners, in their order: `CONNECTED`, `CLOSED reset`, `ACCEPT`, … */
  readonly events: string[] = [];
  readonly #invariants = new InvariantChecker();

  constructor({ profile = 'linux', tcp = {}, mtu = 1500, nowMs = 0, seed = SEED }: BedOptions = {}) {
    const random = new Random(seed);
    const base = PROFILES[profile];
    this.stack = new NetStack({
      profile: { ...base, tcp: { ...base.tcp, ...tcp } },
      random: () => random.fraction(),
      frames: this.frames,
      nowMs,
    });
    this.wire = new Wire(this.frames, mtu, (packet) => {
      const parts = readPacket(packet);
      this.sent.push({ ...parts, atMs: this.nowMs, read: readOptions(parts.options) });
    });
    const addresses = [`${LOCAL[4]}/24`, `${LOCAL[6]}/64`];
    this.netInterface = this.stack.attach(this.wire, { addresses });
  }

  get nowMs(): number {
    return this.stack.nowMs;
  }

  get tcp(): NetStack['tcp'] {
    return this.stack.tcp;
  }

  /** Returns the number of segments dropped for a reason. */
  dropped(reason: string): number {
    return this.tcp.counters.dropped.get(reason) ?? 0;
  }

  // ---- the driver's cycle

  /** Takes events and sends what is due, until nothing is left to do; then checks the invariants. */
  settle(): void {
    for (;;) {
      for (let ready = this.tcp.takeReady(); ready !== undefined; ready = this.tcp.takeReady()) {
        if (ready instanceof TcpListener) this.events.push('ACCEPT');
        else this.#note(ready);
      }
      this.stack.flush();
      if (this.stack.hasWork) this.stack.work();
      else if (!this.tcp.hasReady) break;
    }
    for (const connection of this.tcp) this.#invariants.check(connection);
    assert.equal(this.frames.taken, 0, 'every frame was given back');
  }

  #note(c: TcpConnection): void {
    const events = c.takeEvents();
    for (const [name, bit] of Object.entries(TcpEvent)) {
      if ((events & bit) === 0) continue;
      this.events.push(name === 'CLOSED' && c.failure !== undefined ? `${name} ${c.failure}` : name);
    }
  }

  /** Returns the events since the last call. */
  takeEvents(): string[] {
    this.settle();
    return this.events.splice(0);
  }

  receive(packet: readonly number[]): void {
    this.netInterface.receive(frameOf(this.frames, packet));
    this.settle();
  }

  /** Lets `ms` milliseconds pass, and fires each timer at its time. */
  run(ms: number): void {
    const endMs = this.nowMs + ms;
    this.settle();
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const atMs = this.stack.nextDeadlineMs();
      this.stack.advance(Math.min(endMs, Math.max(atMs, this.nowMs)));
      this.settle();
      if (this.nowMs >= endMs && this.stack.nextDeadlineMs() > endMs) return;
    }
    assert.fail('the timers of a host come to rest');
  }

  /** Lets time pass until the host sends something, at most `mostMs`. Returns the milliseconds. */
  runUntilSent(mostMs: number): number {
    const startMs = this.nowMs;
    this.settle();
    const before = this.sent.length;
    for (let step = 0; step < MOST_STEPS && this.sent.length === before; step += 1) {
      const atMs = this.stack.nextDeadlineMs();
      if (atMs > startMs + mostMs) break;
      this.stack.advance(Math.max(atMs, this.nowMs));
      this.settle();
    }
    return this.nowMs - startMs;
  }

  // ---- calls

  listen(port: number, backlog?: number): TcpListener {
    const listener = this.tcp.listen({ address: undefined, port, backlog });
    assert.ok(listener instanceof TcpListener, 'the host listens');
    return listener;
  }

  accept(listener: TcpListener): TcpConnection {
    const c = listener.accept();
    assert.ok(c instanceof TcpConnection, 'a connection waits');
    return c;
  }

  connect(port: number, localPort?: number): TcpConnection {
    const address = Address.parse(PEER[4]);
    assert.ok(address !== undefined);
    const c = this.tcp.connect({ address, port, localPort });
    assert.ok(c instanceof TcpConnection, 'the host connects');
    this.settle();
    return c;
  }

  /** Returns a peer that speaks to `port` of the host, from `peerPort`. */
  peer(options: PeerOptions): Peer {
    return new Peer(this, options);
  }
}

export interface PeerOptions {
  readonly port: number;
  readonly peerPort?: number;
  readonly family?: 4 | 6;
  /** The peer's initial sequence number. */
  readonly iss?: number;
  readonly mss?: number | undefined;
  readonly sack?: boolean;
  readonly timestamps?: boolean;
  readonly scale?: number | undefined;
  /** The window that the peer offers, in bytes. */
  readonly window?: number;
}

/** A segment of the peer; what is missing is as it would be of a peer that has received everything. */
export interface PeerSegment {
  readonly flags?: string;
  readonly seq?: number;
  readonly ack?: number;
  /** Bytes of the window, before scaling. */
  readonly window?: number;
  /** Text, or a number of bytes. */
  readonly data?: string | number;
  readonly sack?: readonly (readonly [start: number, end: number])[];
  readonly timestamps?: readonly [value: number, echo: number] | 'none';
  readonly options?: readonly number[];
  readonly urgent?: number;
}

/** The byte at a place of the peer's stream; 1 is the first one. */
export function streamByte(at: number): number {
  return (at * 7 + (at >> 8)) & 0xff;
}

export class Peer {
  readonly bed: Bed;
  readonly iss: number;
  readonly port: number;
  readonly peerPort: number;
  readonly family: 4 | 6;
  mss: number | undefined;
  sack: boolean;
  timestamps: boolean;
  scale: number | undefined;
  window: number;
  /** The host's initial sequence number, once it has sent a SYN. */
  hostIss: number | undefined;
  /** The host's scale, once it has sent a SYN. */
  hostScale = 0;
  /** Next number that the peer sends, and that it expects; relative. */
  nxt = 0;
  rcvNxt = 0;
  /** Timestamp to echo. */
  recentTimestamp = 0;
  #read = 0;

  constructor(bed: Bed, options: PeerOptions) {
    this.bed = bed;
    this.port = options.port;
    this.peerPort = options.peerPort ?? 5000;
    this.family = options.family ?? 4;
    this.iss = options.iss ?? 1_000_000;
    this.mss = 'mss' in options ? options.mss : 1460;
    this.sack = options.sack ?? false;
    this.timestamps = options.timestamps ?? false;
    this.scale = options.scale;
    this.window = options.window ?? 65_535;
  }

  // ---- what the host has sent

  /** Returns the segments that the host has sent to this peer since the last call. */
  takeSent(): Sent[] {
    this.bed.settle();
    const fresh = this.bed.sent.slice(this.#read);
    this.#read = this.bed.sent.length;
    const own = fresh.filter(
      (segment) => segment.destinationPort === this.peerPort && segment.sourcePort === this.port,
    );
    for (const segment of own) this.#note(segment);
    return own;
  }

  #note(segment: Sent): void {
    const { flags, read } = segment;
    if (flags.includes('S')) {
      this.hostIss = segment.seq;
      this.hostScale = read.scale ?? 0;
    }
    if (read.timestamps !== undefined) this.recentTimestamp = read.timestamps[0];
    const length = segment.data.length + (flags.includes('S') ? 1 : 0) + (flags.includes('F') ? 1 : 0);
    const end = this.relative(segment.seq) + length;
    if (this.hostIss !== undefined && !flags.includes('R')) this.rcvNxt = Math.max(this.rcvNxt, end);
  }

  /** Returns a number of the host, counted from its SYN. */
  relative(seq: number): number {
    return this.hostIss === undefined ? seq >>> 0 : (seq - this.hostIss) | 0;
  }

  /** Returns lines for the segments since the last call. */
  sent(): string[] {
    return this.takeSent().map((segment) => this.line(segment));
  }

  line(segment: Sent): string {
    const { flags, data, read } = segment;
    const seq = this.relative(segment.seq);
    const parts = [flagText(flags), data.length > 0 ? `${seq}:${seq + data.length}` : String(seq)];
    if (flags.includes('A')) parts.push(`ack ${(segment.ack - this.iss) | 0}`);
    if (read.sack !== undefined) {
      const edges = read.sack.map(([start, end]) => `${(start - this.iss) | 0}:${(end - this.iss) | 0}`);
      parts.push(`sack ${edges.join(' ')}`);
    }
    if (!flags.includes('S')) return parts.join(' ');
    const options = [
      ...(read.mss === undefined ? [] : [`mss ${read.mss}`]),
      ...(read.isSackPermitted === true ? ['sackOK'] : []),
      ...(read.timestamps === undefined ? [] : ['ts']),
      ...(read.scale === undefined ? [] : [`scale ${read.scale}`]),
    ];
    return `${parts.join(' ')} <${options.join(' ')}>`;
  }

  /** Returns the window of the last segment that the host has sent, in bytes. */
  get offered(): number {
    this.bed.settle();
    const last = this.bed.sent.at(-1);
    assert.ok(last !== undefined, 'the host has sent something');
    return last.flags.includes('S')
      ? last.window
      : last.window << (this.scale === undefined ? 0 : this.hostScale);
  }

  // ---- what the peer sends

  syn(segment: PeerSegment = {}): void {
    this.send({ flags: 'S', seq: 0, ...segment });
  }

  send(segment: PeerSegment): void {
    this.takeUnread();
    const flags = segment.flags ?? (segment.data === undefined ? 'A' : 'PA');
    const seq = segment.seq ?? this.nxt;
    const data = dataOf(segment.data, seq);
    const isSyn = flags.includes('S');
    const length = data.length + (isSyn ? 1 : 0) + (flags.includes('F') ? 1 : 0);
    if (!flags.includes('R')) this.nxt = Math.max(this.nxt, seq + length);
    const window = segment.window ?? this.window;
    this.bed.receive(
      packetOf({
        source: PEER[this.family],
        destination: LOCAL[this.family],
        sourcePort: this.peerPort,
        destinationPort: this.port,
        seq: (this.iss + seq) | 0,
        ack: flags.includes('A') ? ((this.hostIss ?? 0) + (segment.ack ?? this.rcvNxt)) | 0 : 0,
        flags,
        window: Math.min(isSyn ? window : window >> (this.scale ?? 0), 0xffff),
        urgent: segment.urgent ?? 0,
        options: segment.options ?? optionBytes(this.#options(segment, isSyn)),
        data,
      }),
    );
  }

  /** Notes what the host has sent, and leaves it to the next `sent`. */
  takeUnread(): void {
    const read = this.#read;
    this.takeSent();
    this.#read = read;
  }

  #options({ sack, timestamps }: PeerSegment, isSyn: boolean): Options {
    const { hostIss = 0 } = this;
    const now: readonly [number, number] = [Math.floor(this.bed.nowMs) | 0, this.recentTimestamp];
    const stamps = timestamps ?? (this.timestamps ? now : 'none');
    return {
      ...(isSyn && this.mss !== undefined ? { mss: this.mss } : {}),
      ...(isSyn && this.scale !== undefined ? { scale: this.scale } : {}),
      ...(isSyn && this.sack ? { isSackPermitted: true } : {}),
      ...(stamps === 'none' ? {} : { timestamps: stamps }),
      ...(sack === undefined
        ? {}
        : { sack: sack.map(([start, end]) => [(start + hostIss) | 0, (end + hostIss) | 0] as const) }),
    };
  }

  /** Acknowledges up to `ack`. */
  ack(ack: number, segment: PeerSegment = {}): void {
    this.send({ ...segment, ack });
  }

  /** Acknowledges all that the host has sent. */
  ackAll(): void {
    this.send({});
  }
}

function flagText(flags: string): string {
  return 'SFRPAUEC'.replaceAll(/./g, (letter) => (flags.includes(letter) ? letter : ''));
}

function dataOf(data: string | number | undefined, seq: number): Uint8Array {
  if (data === undefined) return new Uint8Array(0);
  if (typeof data === 'string') return new TextEncoder().encode(data);
  return Uint8Array.from({ length: data }, (_, index) => streamByte(seq + index));
}

// ---- connections in a state

export interface EstablishedOptions extends BedOptions, Partial<PeerOptions> {
  readonly side?: 'active' | 'passive';
  /** Round-trip time of the handshake. */
  readonly rttMs?: number;
}

export interface Conversation {
  readonly bed: Bed;
  readonly c: TcpConnection;
  readonly peer: Peer;
}

/** Returns a connection whose handshake is complete, with everything of it read. */
export function established(options: EstablishedOptions = {}): Conversation {
  const bed = new Bed(options);
  const port = options.port ?? 80;
  const c = options.side === 'active' ? bed.connect(options.peerPort ?? 5000, port) : undefined;
  const peer = bed.peer({ ...options, port });
  let accepted = c;
  if (c === undefined) {
    const listener = bed.listen(port);
    peer.syn();
    bed.run(options.rttMs ?? 0);
    peer.ackAll();
    accepted = bed.accept(listener);
  } else {
    bed.run(options.rttMs ?? 0);
    peer.syn({ flags: 'SA' });
  }
  assert.ok(accepted !== undefined);
  peer.sent();
  bed.takeEvents();
  assert.equal(accepted.state, TcpState.ESTABLISHED);
  return { bed, c: accepted, peer };
}

/** Reads all data, consumes it, and returns it as text of one character for each byte. */
export function readAll(c: TcpConnection): string {
  let text = '';
  for (let view = c.peek(); view.length > 0; view = c.peek()) {
    text += String.fromCharCode(...view.subarray(0, 10_000));
    const bytes = Math.min(view.length, 10_000);
    c.skip(bytes);
    c.consume(bytes);
  }
  return text;
}

/** Returns the peer's bytes from `start` to `end` as `readAll` gives them. */
export function streamText(start: number, end: number): string {
  return Array.from({ length: end - start }, (_, index) =>
    String.fromCharCode(streamByte(start + index)),
  ).join('');
}

/** Writes `bytes` bytes, pushes them, and returns how many were taken. */
export function write(bed: Bed, c: TcpConnection, bytes: number): number {
  const taken = c.write(new Uint8Array(bytes).fill(0x61));
  c.push();
  bed.settle();
  return taken;
}

export const stateName = (state: TcpState): string =>
  Object.entries(TcpState).find(([, value]) => value === state)?.[0] ?? 'no state';
