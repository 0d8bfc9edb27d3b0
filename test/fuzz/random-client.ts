/**
 * A client that calls the library as programs do, at random: one side of a connection of the fuzzer. It
 * checks the contract meanwhile.
 *
 * Call order: `new RandomClient`; `begin`, when connected; `onlyRead` and `finish`, at the end of the round.
 */
import { ErrorCode, type AsyncClient, type Packet } from 'asynctcp';
import { pattern } from '../contract/pattern.js';
import { Random } from '../support/random.js';
import { TimerSet } from '../support/timer-set.js';
import { WRITE_FLAGS } from '../support/write-flags.js';
import type { SideReport } from './link.js';
import { matchesStream, type RoundContext } from './round-context.js';
import { bytesOf, HARMLESS, usePiece, USES, type Possession, type Use } from './uses.js';

const LARGEST_PIECE = 262_144;
const LONGEST_THOUGHT_MS = 12;
const LATEST_END_MS = 400;
const DRAIN_MS = 50;
const PIECES_AT_ONCE = 32;
/** Most pieces that one client keeps. */
const MOST_KEPT = 64;
const READINGS = ['data', 'view', 'packet'] as const;
const ENDINGS = ['whole', 'whole', 'close', 'abort', 'shutdown', 'drain', 'stays'] as const;

/** Message of the errors that handlers throw. */
export const ON_PURPOSE = 'thrown on purpose';
const THROWS_IN = 300;

interface Kept {
  readonly place: number;
  readonly length: number;
  readonly possession: Possession;
}

export interface ClientPlan {
  readonly number: number;
  readonly side: string;
  readonly outgoing: number;
  readonly outgoingBytes: number;
  readonly incoming: number;
  /** True if it sends the bytes that it receives. */
  readonly echoes: boolean;
  readonly seed: number;
  /** Time at which it detaches received memory: never, in later turns, or also in the callback. */
  readonly detaches: 'never' | 'later' | 'at any time';
  /** True if it closes only when its whole stream was sent. */
  readonly endsWhole: boolean;
}

export class RandomClient implements SideReport {
  readonly name: string;
  taken = 0;
  got = 0;
  sawEnd = false;
  mayReset = false;
  readonly isCut = false;
  isOver = false;
  log = '';
  readonly client: AsyncClient;
  /** Returns true if the other side may have reset the connection. */
  otherResets: () => boolean = () => true;
  onOver: () => void = () => undefined;
  readonly #context: RoundContext;
  readonly #plan: ClientPlan;
  readonly #random: Random;
  readonly #ending: (typeof ENDINGS)[number];
  readonly #timers = new TimerSet();
  #kept: Kept[] = [];
  #packets: { readonly packet: Packet; readonly kept: Kept }[] = [];
  #echo: Uint8Array[] = [];
  #withheld = 0;
  /** A buffer that was added without copying was detached before it was sent. */
  #lentIsDetached = false;
  #hasEnded = false;
  #onlyReads = false;
  #hasFailed = false;

  constructor(context: RoundContext, client: AsyncClient, plan: ClientPlan) {
    this.#context = context;
    this.client = client;
    this.#plan = plan;
    this.name = plan.side;
    this.#random = new Random(plan.seed);
    this.#ending = this.#random.pick(ENDINGS);
    this.log = this.#ending;
    client.setAllowHalfOpen(this.#random.isOneIn(2));
    client.setNoDelay(this.#random.isOneIn(2));
    this.#read(this.#random.pick(READINGS));
    this.#listen();
  }

  #report(text: string): void {
    this.#context.report(`connection ${this.#plan.number}, ${this.name} (${this.log}): ${text}`);
  }

  // ---- callbacks

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
      if (this.isOver) this.#report('onDisconnect comes twice');
      this.log += `, ${reason}`;
      if (reason === 'ended') this.#sawEnd();
      this.#over();
    });
    if (this.#random.isOneIn(2)) {
      client.onAck(() => {
        this.#heard('onAck');
        this.#write();
      });
    }
    if (this.#random.isOneIn(2)) client.onTimeout(() => this.#heard('onTimeout'));
  }

  #heard(callback: string): void {
    if (this.isOver || this.#hasFailed) this.#report(`${callback} after the end`);
  }

  /** A client that has closed may have dropped bytes before the FIN: its FIN does not count. */
  #sawEnd(): void {
    if (!this.#hasEnded) this.sawEnd = true;
  }

  #failed(code: ErrorCode, cause: Error | undefined): void {
    this.#hasFailed = true;
    this.log += `, error ${code} ${cause?.message ?? ''}`;
    const wasAborted = code === ErrorCode.ERR_ABRT && this.mayReset;
    const isPage = this.#context.hasDetached && cause?.message.includes('transferred away') === true;
    const isLent = code === ErrorCode.ERR_IF && (this.#lentIsDetached || this.#context.hasDetached);
    const isLate = this.#ending === 'drain' && code === ErrorCode.ERR_TIMEOUT;
    if (!wasAborted && !isPage && !isLent && !isLate && !this.otherResets()) {
      this.#report('an error without a reason');
    }
    this.mayReset = true;
  }

  #over(): void {
    this.isOver = true;
    this.#timers.clear();
    for (const { packet } of this.#packets) this.client.ackPacket(packet);
    this.#packets = [];
    this.#checkKept();
    this.onOver();
  }

  /** Starts the random calls. Called when the connection is established. */
  begin(): void {
    this.#timers.after(this.#random.whole(0, LATEST_END_MS), () => this.#end());
    this.#write();
    this.#think();
  }

  /** From now on it only reads, at once, and sends nothing: everything on the way must arrive. */
  onlyRead(): void {
    this.#onlyReads = true;
    if (this.isOver) return;
    this.#timers.clear();
    this.#read('data');
    for (const { packet } of this.#packets.splice(0)) this.client.ackPacket(packet);
    this.client.ack(this.#withheld);
    this.client.resume();
    this.client.send();
  }

  /** True if bytes of the peer are delivered: the connection is open and this side has not closed it. */
  get reads(): boolean {
    return !this.isOver && !this.#hasEnded;
  }

  /** Resets the connection at the end of the round. */
  finish(): void {
    if (this.isOver) return;
    this.mayReset = true;
    this.client.abort();
  }

  /** Lets the process end although timers are armed. */
  unrefTimers(): void {
    this.#timers.unref();
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
    if (bytes.length === 0) this.#report('an empty piece');
    if (!matchesStream(this.#plan.incoming, place, bytes)) this.#report(`other bytes from ${place} on`);
    this.got += bytes.length;
    return place;
  }

  #data(data: Uint8Array, isView: boolean): void {
    const place = this.#arrived(data);
    if (this.#onlyReads) return;
    const { length } = data;
    if (this.#random.isOneIn(4)) {
      this.client.ackLater();
      this.#withheld += length;
    }
    if (this.#plan.echoes) this.#echo.push(isView || this.#random.isOneIn(2) ? data.slice() : data);
    this.#use(place, data, isView);
    if (this.#plan.echoes) this.#write();
    this.#interfere();
    this.#throwNowAndThen();
  }

  #chooseUse(): Use {
    return this.#plan.detaches === 'at any time' ? this.#random.pick(USES) : this.#random.pick(HARMLESS);
  }

  /** Uses a received piece. This may detach a piece that waits to be echoed. */
  #use(place: number, data: Uint8Array, isView: boolean): void {
    const { length } = data;
    const use = this.#chooseUse();
    const possession = usePiece(this.#context, use, data);
    // A view may not be kept, unless its memory was transferred.
    if (isView && possession === data) return;
    if (possession !== undefined && this.#kept.length < MOST_KEPT)
      this.#kept.push({ place, length, possession });
  }

  #packet(packet: Packet): void {
    const { data } = packet;
    const place = this.#arrived(data);
    if (packet.length !== data.length) this.#report('a packet has another length');
    if (this.#plan.echoes) this.#echo.push(data.slice());
    const use = this.#chooseUse();
    const possession = usePiece(this.#context, use, data) ?? data;
    const kept = { place, length: packet.length, possession };
    if (possession !== data && this.#kept.length < MOST_KEPT) this.#kept.push(kept);
    this.#packets.push({ packet, kept });
    if (this.#random.isOneIn(2)) this.#givePacketsBack();
    if (this.#plan.echoes) this.#write();
    this.#interfere();
    this.#throwNowAndThen();
  }

  /** Throws from a handler, which ends this connection and no other. */
  #throwNowAndThen(): void {
    if (!this.#random.isOneIn(THROWS_IN)) return;
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
    if (bytes.length === 0 && this.#context.hasDetached) return;
    const isSame = bytes.length === length && matchesStream(this.#plan.incoming, place, bytes);
    if (!isSame) this.#report(`${length} bytes from ${place} on changed while they were kept`);
  }

  // ---- sending

  #write(): void {
    if (this.#hasEnded || this.#onlyReads) return;
    for (let count = 0; count < PIECES_AT_ONCE && this.client.canSend(); count += 1) {
      if (!(this.#plan.echoes ? this.#writeEcho() : this.#writeNext())) break;
    }
    if (this.#random.isOneIn(2)) this.client.send();
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
      // The piece was detached before it was sent: its bytes are lost, and the stream with them.
      this.#echo = [];
      this.#lentIsDetached = true;
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
    const flags = this.#random.pick(WRITE_FLAGS);
    const taken = this.#random.isOneIn(3) ? this.client.add(piece, flags) : this.client.write(piece, flags);
    this.taken += taken;
    if (flags === 0 && this.#plan.detaches === 'at any time') this.#detachLent(piece);
    return taken;
  }

  /** Sometimes detaches a buffer that was added without copying. */
  #detachLent(piece: Uint8Array): void {
    if (!this.#random.isOneIn(40)) return;
    this.#lentIsDetached = true;
    this.mayReset = true;
    usePiece(this.#context, 'enqueue', piece);
  }

  // ---- random calls

  #think(): void {
    if (this.isOver) return;
    if (this.#random.isOneIn(4)) this.#detachKept();
    this.#interfere();
    this.#write();
    this.#timers.after(this.#random.whole(0, LONGEST_THOUGHT_MS), () => this.#think());
  }

  #interfere(): void {
    const { client } = this;
    if (this.#onlyReads) return;
    switch (this.#random.whole(0, 15)) {
      case 0:
        client.pause();
        break;
      case 1:
      case 2:
        client.resume();
        break;
      case 3:
        this.#read(this.#random.pick(READINGS));
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
        if (this.#plan.detaches === 'at any time') this.#detachKept();
        break;
      case 9:
        client.send();
        break;
    }
  }

  #ack(): void {
    if (this.#withheld === 0) return;
    const bytes = this.#random.isOneIn(2) ? this.#withheld : this.#random.whole(1, this.#withheld);
    this.client.ack(bytes);
    this.#withheld -= bytes;
  }

  /** Detaches the memory of one kept piece or of all, mostly outside of callbacks. */
  #detachKept(): void {
    if (this.#plan.detaches === 'never') return;
    for (const kept of this.#kept.splice(0, this.#random.isOneIn(2) ? MOST_KEPT : 1)) {
      const { possession: old } = kept;
      if (!(old instanceof Uint8Array) || old.length === 0) continue;
      const possession = usePiece(this.#context, this.#random.pick(USES), old);
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
      this.#timers.after(LONGEST_THOUGHT_MS, () => this.#end());
    } else if (this.#ending !== 'stays') {
      this.#endInOrder();
    }
  }

  #endInOrder(): void {
    this.#hasEnded = true;
    if (this.#ending === 'shutdown') {
      this.client.shutdown();
      this.#timers.after(LATEST_END_MS, () => this.client.close());
    } else if (this.#ending === 'drain') {
      this.mayReset = true;
      this.client.drain({ withinMs: DRAIN_MS }).catch(() => undefined);
    } else {
      this.client.close();
    }
  }
}
