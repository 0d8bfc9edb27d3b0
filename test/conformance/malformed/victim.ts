/** A host that malformed packets are given to: it listens, and its program echoes what it reads. */
import assert from 'node:assert/strict';
import { FramePool, type Frame } from '#src/netstack/frame.js';
import { NetStack, type NetInterface } from '#src/netstack/netstack.js';
import type { Profile } from '#src/netstack/profile.js';
import type { TcpListenerSocket, TcpRefusal, TcpSocket } from '#src/netstack/raw-api.js';
import { Address } from '#src/netstack/wire/address.js';
import { Random } from '../../support/random.js';
import { decodeSegment, encodeSegment, type Segment } from '../packetdrill/segment.js';
import type { Target } from './mutator.js';

const OWN = [10, 0, 0, 1];
const PEER = [10, 0, 0, 2];
const PORT = 80;
const FIRST_PEER_PORT = 40_000;
const ISN = 0xffff_ff00;

export class Victim {
  readonly #frames = new FramePool();
  readonly #stack: NetStack;
  readonly #interface: NetInterface;
  readonly #listener: TcpListenerSocket;
  /** The connections that were accepted, the first ones first. */
  readonly sockets: TcpSocket[] = [];
  #peerPort = FIRST_PEER_PORT;
  /** IP packets that the host has sent. */
  readonly sent: Uint8Array[] = [];

  constructor(profile: Profile, seed: number) {
    const random = new Random(seed);
    this.#stack = new NetStack({ profile, random: () => random.fraction(), frames: this.#frames });
    const transmit = (frame: Frame): void => {
      this.sent.push(frame.bytes.slice(frame.start, frame.end));
      this.#frames.give(frame);
    };
    const device = { medium: 'ip', mtu: 1500, frames: this.#frames, transmit } as const;
    this.#interface = this.#stack.attach(device, { addresses: [`${OWN.join('.')}/24`] });
    const listener = this.#stack.tcp.listen({ address: undefined, port: PORT });
    assert.ok(typeof listener !== 'string');
    this.#listener = listener;
  }

  /** Has the host's program open a connection. */
  open(): TcpSocket | TcpRefusal {
    const address = Address.parse(PEER.join('.'));
    assert.ok(address !== undefined);
    const socket = this.#stack.tcp.connect({ address, port: PORT });
    this.#settle();
    return socket;
  }

  /** Sends a segment of the peer on a connection. */
  send(target: Target, flags: string, part: Partial<Segment> = {}): void {
    const empty = { window: 8192, ecn: 0, urgent: 0, data: new Uint8Array(0), options: [] } as const;
    this.receive(encodeSegment({ ...target, ...empty, flags, ...part }));
  }

  /** Has the program do something, and the stack send what follows. */
  act(action: () => void): void {
    action();
    this.#settle();
  }

  get framesTaken(): number {
    return this.#frames.taken;
  }

  /** Packets that the host has dropped with a reason, in all layers. */
  get dropped(): number {
    const { counters, tcp } = this.#stack;
    const counts = [...tcp.counters.dropped.values(), ...counters.drops.values()];
    return counts.reduce((sum, count) => sum + count, 0);
  }

  get target(): Target {
    return {
      source: PEER,
      destination: OWN,
      sourcePort: this.#peerPort,
      destinationPort: PORT,
      seq: (ISN + 1) >>> 0,
      ack: 0,
    };
  }

  /** Returns the length that a packet's header tells. */
  lengthOf(bytes: Uint8Array): number {
    return ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  }

  receive(bytes: Uint8Array): void {
    const frame = this.#frames.take(bytes.length);
    frame.bytes.set(bytes, frame.start);
    frame.end = frame.start + bytes.length;
    this.#interface.receive(frame);
    this.#settle();
  }

  run(ms: number): void {
    const endMs = this.#stack.nowMs + ms;
    for (let atMs = this.#stack.nextDeadlineMs(); atMs <= endMs; atMs = this.#stack.nextDeadlineMs()) {
      this.#stack.advance(Math.max(atMs, this.#stack.nowMs));
      this.#settle();
    }
    this.#stack.advance(endMs);
    this.#settle();
  }

  /** Opens a connection from a new port, and returns it as its peer sees it. */
  connect(): Target {
    const target = this.tryConnect();
    assert.ok(target !== undefined, 'the host answers a SYN');
    return target;
  }

  /** As `connect`; returns `undefined` if the host does not answer the SYN. */
  tryConnect(): Target | undefined {
    this.#peerPort += 1;
    this.sent.length = 0;
    const empty = { window: 8192, ecn: 0, urgent: 0, data: new Uint8Array(0), options: [] } as const;
    const part = { ...this.target, ...empty };
    this.receive(encodeSegment({ ...part, seq: ISN, flags: 'S' }));
    const answer = this.sent.map((bytes) => decodeSegment(bytes)).find((segment) => isSynAck(segment));
    if (answer === undefined) return undefined;
    const ack = (answer.seq + 1) >>> 0;
    this.receive(encodeSegment({ ...part, ack, flags: '.' }));
    return { ...this.target, ack };
  }

  closeAll(): void {
    for (const socket of this.sockets.splice(0)) socket.abort();
    this.#settle();
  }

  #settle(): void {
    const { tcp } = this.#stack;
    do {
      while (tcp.takeReady() !== undefined);
      for (;;) {
        const socket = this.#listener.accept();
        if (socket === undefined) break;
        this.sockets.push(socket);
      }
      for (const socket of this.sockets) echo(socket);
      this.#stack.flush();
      if (this.#stack.hasWork) this.#stack.work();
    } while (this.#stack.hasWork || tcp.hasReady);
  }
}

function isSynAck(segment: Segment | undefined): boolean {
  return segment?.flags.includes('S') === true && segment.flags.includes('.');
}

function echo(socket: TcpSocket): void {
  socket.takeEvents();
  while (socket.readable() > 0) {
    const bytes = socket.peek();
    socket.write(bytes.slice());
    socket.skip(bytes.length);
    socket.consume(bytes.length);
  }
  socket.push();
  if (socket.hasEnded()) socket.shutdown();
}
