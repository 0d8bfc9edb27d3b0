/**
 * A host of netstack and Debian's lwIP on one link in virtual time: packets arrive after a delay, or are lost
 * by a seed. The host's program writes the same stream as the peer's, and checks what it reads.
 */
import { fail } from 'node:assert/strict';
import { FramePool, type Frame } from '#src/netstack/frame.js';
import { NetStack, type NetInterface } from '#src/netstack/netstack.js';
import { PROFILES, type ProfileName } from '#src/netstack/profile.js';
import type { TcpListenerSocket, TcpSocket } from '#src/netstack/raw-api.js';
import { Address } from '#src/netstack/wire/address.js';
import { Random } from '../../support/random.js';
import { LwipPeer } from './lwip-peer.js';

const OWN_ADDRESS = '10.0.0.1';
export const PEER_ADDRESS = '10.0.0.2';
const MTU = 1500;
const START_MS = 1000;
/** Virtual time after which a case has failed. */
const PATIENCE_MS = 3_600_000;
/** lwIP's timers are asked for no more seldom: a timer that an order has started is in no reply before it. */
const LONGEST_SLEEP_MS = 250;

/** A byte of the streams, by its place: `byte_at` of lwip-peer.c. */
function byteAt(place: number): number {
  return (place * 31 + (place >>> 8)) & 0xff;
}

interface Packet {
  readonly atMs: number;
  readonly toPeer: boolean;
  readonly bytes: Uint8Array;
}

export interface LinkOptions {
  readonly profile: ProfileName;
  readonly delayMs?: number;
  /** Part of the packets that are lost, in each direction. */
  readonly loss?: number;
  readonly seed?: number;
}

export class Duel {
  readonly peer: LwipPeer;
  readonly stack: NetStack;
  readonly #interface: NetInterface;
  readonly #frames = new FramePool();
  readonly #packets: Packet[] = [];
  readonly #random: Random;
  readonly #delayMs: number;
  readonly #loss: number;
  #nowMs = START_MS;
  socket: TcpSocket | undefined;
  listener: TcpListenerSocket | undefined;
  /** Bytes that wait for the host to write, and the places of its streams. */
  #toWrite = 0;
  #written = 0;
  received = 0;
  #reads = true;
  #echoes = false;
  #shutsDown = false;

  constructor(program: string, { profile, delayMs = 5, loss = 0, seed = 1 }: LinkOptions) {
    this.#random = new Random(seed);
    this.#delayMs = delayMs;
    this.#loss = loss;
    const chance = new Random(seed, 1);
    this.stack = new NetStack({
      profile: PROFILES[profile],
      random: () => chance.fraction(),
      frames: this.#frames,
      nowMs: START_MS,
    });
    const transmit = (frame: Frame): void => {
      this.#carry(frame.bytes.slice(frame.start, frame.end), true);
      this.#frames.give(frame);
    };
    const device = { medium: 'ip', mtu: MTU, frames: this.#frames, transmit } as const;
    this.#interface = this.stack.attach(device, { addresses: [`${OWN_ADDRESS}/24`] });
    this.peer = new LwipPeer(program, (bytes) => this.#carry(bytes, false));
  }

  #carry(bytes: Uint8Array, toPeer: boolean): void {
    if (this.#loss > 0 && this.#random.fraction() < this.#loss) return;
    this.#packets.push({ atMs: this.#nowMs + this.#delayMs, toPeer, bytes });
  }

  async begin(): Promise<void> {
    await this.peer.setTime(this.#nowMs);
  }

  async end(): Promise<void> {
    await this.peer.end();
  }

  connect(port: number): void {
    const address = Address.parse(PEER_ADDRESS);
    const socket = address === undefined ? 'notLocal' : this.stack.tcp.connect({ address, port });
    if (typeof socket === 'string') fail(`connect: ${socket}`);
    this.socket = socket;
    this.#settle();
  }

  listen(port: number): void {
    const listener = this.stack.tcp.listen({ address: undefined, port });
    if (typeof listener === 'string') fail(`listen: ${listener}`);
    this.listener = listener;
  }

  write(bytes: number): void {
    this.#toWrite += bytes;
    this.#settle();
  }

  /** Sends FIN behind what is written. */
  shutdown(): void {
    this.#shutsDown = true;
    this.#settle();
  }

  setReading(on: boolean): void {
    this.#reads = on;
    this.#settle();
  }

  setEcho(): void {
    this.#echoes = true;
  }

  close(): void {
    this.socket?.close();
    this.#settle();
  }

  abort(): void {
    this.socket?.abort();
    this.#settle();
  }

  /** Runs both until `isDone`. Fails if it does not come. */
  async until(what: string, isDone: () => boolean): Promise<void> {
    const limitMs = this.#nowMs + PATIENCE_MS;
    while (!isDone()) {
      if (this.#nowMs > limitMs)
        fail(`${what}: does not happen; the host has received ${this.received} bytes`);
      await this.#step();
      if (this.peer.state.badByte !== undefined)
        fail(`the peer receives a wrong byte at ${this.peer.state.badByte}`);
    }
  }

  async run(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    while (this.#nowMs < endMs) await this.#step(endMs);
  }

  async #step(limitMs = Infinity): Promise<void> {
    const packetMs = this.#packets[0]?.atMs ?? Infinity;
    const peerMs = this.#nowMs + Math.max(1, Math.min(this.peer.sleepMs, LONGEST_SLEEP_MS));
    this.#nowMs = Math.min(packetMs, peerMs, Math.max(this.stack.nextDeadlineMs(), this.#nowMs), limitMs);
    this.stack.advance(this.#nowMs);
    this.#settle();
    await this.peer.setTime(this.#nowMs);
    while ((this.#packets[0]?.atMs ?? Infinity) <= this.#nowMs) {
      const packet = this.#packets.shift();
      if (packet?.toPeer === true) await this.peer.receive(packet.bytes);
      else if (packet !== undefined) this.#receive(packet.bytes);
    }
  }

  #receive(bytes: Uint8Array): void {
    const frame = this.#frames.take(bytes.length);
    frame.bytes.set(bytes, frame.start);
    frame.end = frame.start + bytes.length;
    this.#interface.receive(frame);
    this.#settle();
  }

  /** The host's program: reads, writes, and has the stack send. */
  #settle(): void {
    const { tcp } = this.stack;
    do {
      while (tcp.takeReady() !== undefined);
      this.socket ??= this.listener?.accept();
      if (this.socket !== undefined) this.#work(this.socket);
      this.stack.flush();
      if (this.stack.hasWork) this.stack.work();
    } while (this.stack.hasWork || tcp.hasReady);
  }

  #work(socket: TcpSocket): void {
    socket.takeEvents();
    while (this.#reads && socket.readable() > 0) {
      const bytes = socket.peek();
      const wrong = bytes.findIndex((byte, index) => byte !== byteAt(this.received + index));
      if (wrong >= 0) fail(`the host receives a wrong byte at ${this.received + wrong}`);
      this.received += bytes.length;
      if (this.#echoes) this.#toWrite += bytes.length;
      socket.skip(bytes.length);
      socket.consume(bytes.length);
    }
    const space = Math.min(this.#toWrite, socket.sendSpace());
    if (space > 0) {
      const written = socket.write(
        Uint8Array.from({ length: space }, (_, index) => byteAt(this.#written + index)),
      );
      this.#written += written;
      this.#toWrite -= written;
    }
    socket.push();
    if (!this.#shutsDown || this.#toWrite > 0) return;
    this.#shutsDown = false;
    socket.shutdown();
  }
}
