/**
 * A program with one client that does whatever programs do, at random: one end of a connection of the fuzzer.
 * It holds the library to what is promised meanwhile.
 *
 * Call order: `new Actor` → `begin`, when the connection stands → `leave`, at the end of the round.
 */
import {
  ASYNC_WRITE_FLAG_COPY,
  ASYNC_WRITE_FLAG_MORE,
  ErrorCode,
  type AsyncClient,
  type Packet,
} from 'asynctcp';
import { pattern } from '../contract/pattern.js';
import { Random } from '../support/random.js';
import type { EndReport } from './link.js';
import { isOf, type Scene } from './round-context.js';
import { bytesOf, HARMLESS, usePiece, USES, type Possession, type Use } from './uses.js';

const FLAGS = [0, ASYNC_WRITE_FLAG_COPY, ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE] as const;
const LARGEST_PIECE = 262_144;
const LONGEST_THOUGHT_MS = 12;
const LATEST_END_MS = 400;
const DRAIN_MS = 50;
const PIECES_AT_ONCE = 32;
/** Pieces that an end keeps at most. */
const MOST_KEPT = 64;
const READINGS = ['data', 'view', 'packet'] as const;
const ENDINGS = ['whole', 'whole', 'close', 'abort', 'shutdown', 'drain', 'stays'] as const;

/** The message of an error that a handler throws. */
export const ON_PURPOSE = 'thrown on purpose';
const THROWS_IN = 300;

interface Kept {
  readonly place: number;
  readonly length: number;
  readonly possession: Possession;
}

export interface ActorPlan {
  readonly number: number;
  readonly side: string;
  readonly outgoing: number;
  readonly outgoingBytes: number;
  readonly incoming: number;
  /** What it sends is what it received. */
  readonly echoes: boolean;
  readonly seed: number;
  /** When it takes memory away: in the callback that brings it, or in a turn of its own alone. */
  readonly takes: 'never' | 'later' | 'at any time';
  /** It ends its stream in order only when the whole of it was sent. */
  readonly endsWhole: boolean;
}

export class Actor implements EndReport {
  readonly name: string;
  taken = 0;
  got = 0;
  sawEnd = false;
  mayReset = false;
  readonly isCut = false;
  isOver = false;
  story = '';
  readonly client: AsyncClient;
  /** True if the other end may have reset the connection. */
  otherResets: () => boolean = () => true;
  onOver: () => void = () => undefined;
  readonly #scene: Scene;
  readonly #plan: ActorPlan;
  readonly #random: Random;
  readonly #ending: (typeof ENDINGS)[number];
  readonly #timers = new Set<NodeJS.Timeout>();
  #kept: Kept[] = [];
  #packets: { readonly packet: Packet; readonly kept: Kept }[] = [];
  #echo: Uint8Array[] = [];
  #withheld = 0;
  /** A lent buffer was detached before it left. */
  #isSpoilt = false;
  #hasEnded = false;
  #isCalm = false;
  #hasFailed = false;

  constructor(scene: Scene, client: AsyncClient, plan: ActorPlan) {
    this.#scene = scene;
    this.client = client;
    this.#plan = plan;
    this.name = plan.side;
    this.#random = new Random(plan.seed);
    this.#ending = this.#oneOf(ENDINGS);
    this.story = this.#ending;
    client.setAllowHalfOpen(this.#isOneIn(2));
    client.setNoDelay(this.#isOneIn(2));
    this.#read(this.#oneOf(READINGS));
    this.#listen();
  }

  #oneOf<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.#random.whole(0, choices.length - 1)] ?? choices[0];
  }

  #isOneIn(count: number): boolean {
    return this.#random.whole(1, count) === 1;
  }

  #fault(text: string): void {
    this.#scene.fault(`connection ${this.#plan.number}, ${this.name} (${this.story}): ${text}`);
  }

  #later(ms: number, job: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      job();
    }, ms);
    this.#timers.add(timer);
  }

  // ---- what happens

  #listen(): void {
    const { client } = this;
    client.onEnd(() => {
      this.#heard('onEnd');
      this.#sawEnd();
    });
    client.onError((_, code, cause) => {
      this.#heard('onError');
      this.#failed(code, cause);
    });
    client.onDisconnect((_, reason) => {
      if (this.isOver) this.#fault('onDisconnect comes twice');
      this.story += `, ${reason}`;
      if (reason === 'ended') this.#sawEnd();
      this.#over();
    });
    if (this.#isOneIn(2)) {
      client.onAck(() => {
        this.#heard('onAck');
        this.#write();
      });
    }
    if (this.#isOneIn(2)) client.onTimeout(() => this.#heard('onTimeout'));
  }

  #heard(callback: string): void {
    if (this.isOver || this.#hasFailed) this.#fault(`${callback} after the end`);
  }

  /** A client that has closed may have dropped what came then. */
  #sawEnd(): void {
    if (!this.#hasEnded) this.sawEnd = true;
  }

  #failed(code: ErrorCode, cause: Error | undefined): void {
    this.#hasFailed = true;
    this.story += `, error ${code} ${cause?.message ?? ''}`;
    const wasAborted = code === ErrorCode.ERR_ABRT && this.mayReset;
    const isPage = this.#scene.hasTaken && cause?.message.includes('transferred away') === true;
    const isLent = code === ErrorCode.ERR_IF && (this.#isSpoilt || this.#scene.hasTaken);
    const isLate = this.#ending === 'drain' && code === ErrorCode.ERR_TIMEOUT;
    if (!wasAborted && !isPage && !isLent && !isLate && !this.otherResets()) {
      this.#fault('an error without a reason');
    }
    this.mayReset = true;
  }

  #over(): void {
    this.isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { packet } of this.#packets) this.client.ackPacket(packet);
    this.#packets = [];
    this.#checkKept();
    this.onOver();
  }

  /** The connection stands. */
  begin(): void {
    this.#later(this.#random.whole(0, LATEST_END_MS), () => this.#end());
    this.#write();
    this.#think();
  }

  /** From now on it only reads, at once, and sends no more: all that is under way has to arrive. */
  calm(): void {
    this.#isCalm = true;
    if (this.isOver) return;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#read('data');
    for (const { packet } of this.#packets.splice(0)) this.client.ackPacket(packet);
    this.client.ack(this.#withheld);
    this.client.resume();
    this.client.send();
  }

  /** True if what the peer sends comes: it is open, and has not said that it wants no more. */
  get reads(): boolean {
    return !this.isOver && !this.#hasEnded;
  }

  /** The round is over. */
  leave(): void {
    if (this.isOver) return;
    this.mayReset = true;
    this.client.abort();
  }

  /** Does nothing on its own any more: its timers hold no process. */
  rest(): void {
    for (const timer of this.#timers) timer.unref();
  }

  // ---- reading

  #read(reading: (typeof READINGS)[number]): void {
    const { client } = this;
    client.onPacket(reading === 'packet' ? (_, packet) => this.#packet(packet) : undefined);
    client.onData((_, data) => this.#data(data, reading === 'view'), { view: reading === 'view' });
  }

  #arrived(bytes: Uint8Array): number {
    this.#heard('data');
    const place = this.got;
    if (bytes.length === 0) this.#fault('an empty piece');
    if (!isOf(this.#plan.incoming, place, bytes)) this.#fault(`other bytes from ${place} on`);
    this.got += bytes.length;
    return place;
  }

  #data(data: Uint8Array, isView: boolean): void {
    const place = this.#arrived(data);
    if (this.#isCalm) return;
    const { length } = data;
    if (this.#isOneIn(4)) {
      this.client.ackLater();
      this.#withheld += length;
    }
    if (this.#plan.echoes) this.#echo.push(isView || this.#isOneIn(2) ? data.slice() : data);
    this.#use(place, data, isView);
    if (this.#plan.echoes) this.#write();
    this.#interfere();
    this.#throwNowAndThen();
  }

  #chooseUse(): Use {
    return this.#plan.takes === 'at any time' ? this.#oneOf(USES) : this.#oneOf(HARMLESS);
  }

  /** What lies in the echo is detached now and then before it leaves. */
  #use(place: number, data: Uint8Array, isView: boolean): void {
    const { length } = data;
    const use = this.#chooseUse();
    const possession = usePiece(this.#scene, use, data);
    // A view is not the program's to keep, unless its memory was taken away.
    if (isView && possession === data) return;
    if (possession !== undefined && this.#kept.length < MOST_KEPT)
      this.#kept.push({ place, length, possession });
  }

  #packet(packet: Packet): void {
    const { data } = packet;
    const place = this.#arrived(data);
    if (packet.length !== data.length) this.#fault('a packet has another length');
    if (this.#plan.echoes) this.#echo.push(data.slice());
    const use = this.#chooseUse();
    const possession = usePiece(this.#scene, use, data) ?? data;
    const kept = { place, length: packet.length, possession };
    if (possession !== data && this.#kept.length < MOST_KEPT) this.#kept.push(kept);
    this.#packets.push({ packet, kept });
    if (this.#isOneIn(2)) this.#givePacketsBack();
    if (this.#plan.echoes) this.#write();
    this.#interfere();
    this.#throwNowAndThen();
  }

  /** It costs this connection alone. */
  #throwNowAndThen(): void {
    if (!this.#isOneIn(THROWS_IN)) return;
    this.#hasEnded = true;
    this.mayReset = true;
    throw new Error(ON_PURPOSE);
  }

  #givePacketsBack(): void {
    for (const { packet, kept } of this.#packets.splice(0, this.#random.whole(0, this.#packets.length))) {
      if (kept.possession === packet.data) void this.#check(kept);
      this.client.ackPacket(packet);
    }
  }

  #checkKept(): void {
    for (const kept of this.#kept.splice(0)) void this.#check(kept);
  }

  async #check(kept: Kept): Promise<void> {
    const { possession, place, length } = kept;
    const bytes = possession instanceof Uint8Array ? possession : await bytesOf(possession);
    if (bytes === undefined) return;
    if (bytes.length === 0 && this.#scene.hasTaken) return;
    const isSame = bytes.length === length && isOf(this.#plan.incoming, place, bytes);
    if (!isSame) this.#fault(`${length} bytes from ${place} on changed while they were kept`);
  }

  // ---- sending

  #write(): void {
    if (this.#hasEnded || this.#isCalm) return;
    for (let count = 0; count < PIECES_AT_ONCE && this.client.canSend(); count += 1) {
      if (!(this.#plan.echoes ? this.#writeEcho() : this.#writeNext())) break;
    }
    if (this.#isOneIn(2)) this.client.send();
  }

  #writeNext(): boolean {
    const left = this.#plan.outgoingBytes - this.taken;
    if (left === 0) return false;
    const bytes = Math.min(left, this.#random.size(LARGEST_PIECE));
    return this.#give(pattern(this.#plan.outgoing, this.taken, bytes)) > 0;
  }

  #writeEcho(): boolean {
    const [piece] = this.#echo;
    if (piece === undefined) return false;
    if (piece.length === 0) {
      // It was taken away before it was sent: this stream has no more bytes.
      this.#echo = [];
      this.#isSpoilt = true;
      this.#abort();
      return false;
    }
    const { length } = piece;
    const taken = this.#give(piece);
    if (taken === length) this.#echo.shift();
    else if (piece.length > 0) this.#echo[0] = piece.subarray(taken);
    return taken > 0;
  }

  #give(piece: Uint8Array): number {
    const flags = this.#oneOf(FLAGS);
    const taken = this.#isOneIn(3) ? this.client.add(piece, flags) : this.client.write(piece, flags);
    this.taken += taken;
    if (flags === 0 && this.#plan.takes === 'at any time') this.#spoil(piece);
    return taken;
  }

  /** Detaches what was lent, now and then. */
  #spoil(piece: Uint8Array): void {
    if (!this.#isOneIn(40)) return;
    this.#isSpoilt = true;
    this.mayReset = true;
    usePiece(this.#scene, 'enqueue', piece);
  }

  // ---- what it does on its own

  #think(): void {
    if (this.isOver) return;
    if (this.#isOneIn(4)) this.#takeKept();
    this.#interfere();
    this.#write();
    this.#later(this.#random.whole(0, LONGEST_THOUGHT_MS), () => this.#think());
  }

  #interfere(): void {
    const { client } = this;
    if (this.#isCalm) return;
    switch (this.#random.whole(0, 15)) {
      case 0:
        client.pause();
        break;
      case 1:
      case 2:
        client.resume();
        break;
      case 3:
        this.#read(this.#oneOf(READINGS));
        break;
      case 4:
      case 5:
        this.#ack();
        break;
      case 6:
        this.#givePacketsBack();
        break;
      case 7:
        this.#checkKept();
        break;
      case 8:
        if (this.#plan.takes === 'at any time') this.#takeKept();
        break;
      case 9:
        client.send();
        break;
    }
  }

  #ack(): void {
    if (this.#withheld === 0) return;
    const bytes = this.#isOneIn(2) ? this.#withheld : this.#random.whole(1, this.#withheld);
    this.client.ack(bytes);
    this.#withheld -= bytes;
  }

  /** Takes the memory of old pieces away, mostly outside of a callback: of one, or of all at once. */
  #takeKept(): void {
    if (this.#plan.takes === 'never') return;
    for (const kept of this.#kept.splice(0, this.#isOneIn(2) ? MOST_KEPT : 1)) {
      const { possession: old } = kept;
      if (!(old instanceof Uint8Array) || old.length === 0) continue;
      const possession = usePiece(this.#scene, this.#oneOf(USES), old);
      if (possession !== undefined) this.#kept.push({ ...kept, possession });
    }
  }

  #abort(): void {
    this.#hasEnded = true;
    this.mayReset = true;
    this.client.abort();
  }

  #end(): void {
    if (this.isOver || this.#hasEnded) return;
    const isWhole = this.#plan.echoes || this.taken === this.#plan.outgoingBytes;
    const waits = (this.#ending === 'whole' || this.#plan.endsWhole) && !isWhole;
    if (this.#ending === 'abort') {
      this.#abort();
    } else if (waits) {
      this.#later(LONGEST_THOUGHT_MS, () => this.#end());
    } else if (this.#ending !== 'stays') {
      this.#endInOrder();
    }
  }

  #endInOrder(): void {
    this.#hasEnded = true;
    if (this.#ending === 'shutdown') {
      this.client.shutdown();
      this.#later(LATEST_END_MS, () => this.client.close());
    } else if (this.#ending === 'drain') {
      this.mayReset = true;
      this.client.drain({ withinMs: DRAIN_MS }).catch(() => undefined);
    } else {
      this.client.close();
    }
  }
}
