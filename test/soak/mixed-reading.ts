/** Reading of one side in `mixed-program.ts`: at once, with late acknowledgements, by packets, or slowly. */
import { TcpState, type AsyncClient, type Packet } from 'asynctcp';
import type { SidePlan } from './mixed-plan.js';
import type { Random } from '../support/random.js';

/** The client that `Reading` reads for. */
export interface Reader {
  readonly client: AsyncClient;
  readonly windowBytes: number;
  /** Checks the next piece of the stream. */
  arrived(bytes: Uint8Array): void;
  /** Checks that a kept piece has not changed. */
  kept(place: number, bytes: Uint8Array): void;
  /** Returns the bytes received so far. */
  received(): number;
  after(ms: number, job: () => void): void;
  reportViolation(text: string): void;
}

interface Kept {
  readonly place: number;
  readonly bytes: Uint8Array;
}

export class Reading {
  /** Times that the whole window was withheld. */
  timesFull = 0;
  readonly #reader: Reader;
  readonly #plan: SidePlan;
  readonly #random: Random;
  /** Bytes that a slow reader acknowledges at a time. */
  readonly #stepBytes: number;
  #pauses: number;
  #withheld = 0;
  #waits = false;
  #pieces: Kept[] = [];
  readonly #packets: { readonly packet: Packet; readonly place: number }[] = [];

  constructor(reader: Reader, plan: SidePlan, random: Random, expectedBytes: number) {
    this.#reader = reader;
    this.#plan = plan;
    this.#random = random;
    this.#pauses = plan.pauses;
    this.#stepBytes = Math.ceil(expectedBytes / plan.pauses);
    const { client } = reader;
    if (plan.reading === 'packets') client.onPacket((_, packet) => this.#packet(packet));
    else client.onPacket(undefined);
    client.onData((_, bytes) => this.#data(bytes));
  }

  get withheld(): number {
    return this.#withheld;
  }

  #data(bytes: Uint8Array): void {
    const isKept = this.#plan.reading !== 'at once' && this.#pauses > 0;
    if (isKept) {
      this.#reader.client.ackLater();
      this.#pieces.push({ place: this.#reader.received(), bytes });
      this.#withhold(bytes.length);
    }
    this.#reader.arrived(bytes);
  }

  #packet(packet: Packet): void {
    this.#packets.push({ packet, place: this.#reader.received() });
    this.#withhold(packet.length);
    this.#reader.arrived(packet.data);
    if (this.#pauses === 0) this.#givePacketsBack(this.#packets.length);
  }

  #withhold(bytes: number): void {
    this.#withheld += bytes;
    const { windowBytes } = this.#reader;
    if (this.#withheld > windowBytes)
      this.#reader.reportViolation(`${this.#withheld} bytes beyond the window (D5)`);
    if (this.#withheld === windowBytes) this.timesFull += 1;
    if (!this.#waits && this.#pauses > 0) this.#pause();
  }

  #pause(): void {
    this.#waits = true;
    this.#pauses -= 1;
    this.#reader.after(this.#random.whole(0, this.#plan.longestPauseMs), () => {
      this.#waits = false;
      this.#giveBack();
      if (this.#withheld > 0 && this.#pauses > 0) this.#pause();
    });
  }

  #giveBack(): void {
    const isLast = this.#pauses === 0;
    if (this.#plan.reading === 'packets') {
      const count = this.#packets.length;
      this.#givePacketsBack(isLast ? count : this.#random.whole(0, count));
      return;
    }
    for (const { place, bytes } of this.#pieces) this.#reader.kept(place, bytes);
    this.#pieces = [];
    const isSlow = this.#plan.reading === 'slow';
    const some = isSlow ? this.#stepBytes : this.#random.whole(1, this.#withheld);
    this.#ack(isLast ? this.#withheld : Math.min(some, this.#withheld));
  }

  #ack(bytes: number): void {
    const { client } = this.#reader;
    const isOpen = client.state() === TcpState.ESTABLISHED;
    const given = client.ack(bytes);
    if (isOpen && given !== bytes)
      this.#reader.reportViolation(`ack gave ${given} of ${bytes} withheld bytes back`);
    this.#withheld -= bytes;
  }

  #givePacketsBack(count: number): void {
    const { client } = this.#reader;
    for (const { packet, place } of this.#packets.splice(0, count)) {
      this.#reader.kept(place, packet.data);
      this.#withheld -= packet.length;
      client.ackPacket(packet);
    }
  }
}
