/**
 * The client at one end of a connection of `mixed-program.ts`, from `connect`, or from the header that the
 * server received, to `onDisconnect`. It executes its plan and checks the contract meanwhile.
 *
 * Call order: `new MixedClient`, `begin` when connected; then callbacks up to `onOver` of its part.
 */
import { AsyncClient, ErrorCode, TcpState, type TcpStack } from 'asynctcp';
import { Reading, type Reader } from './mixed-reading.js';
import { Tally, type Stream } from './mixed-stream.js';
import type { SidePlan, Plan, ResetPlan, Side } from './mixed-plan.js';
import { Random } from '../support/random.js';
import { TimerSet } from '../support/timer-set.js';
import { WRITE_FLAGS } from '../support/write-flags.js';

/** Pieces in one turn of the event loop, so that other connections get their share of it. */
const PIECES_AT_ONCE = 64;
const LONGEST_THOUGHT_MS = 30;
const LONGEST_LOOK_MS = 5;
/**
 * A reset behind bytes that were dropped for lack of buffer space is answered with a challenge ACK (RFC 5961
 * §3), which Linux omits if it has just sent one. Then only a keep-alive probe detects the reset.
 */
const KEEP_ALIVE_MS = 1000;

type Phase = 'before' | 'open' | 'failed' | 'over';

/** A client's view of its conversation. */
export interface Part {
  readonly plan: Plan;
  readonly stack: TcpStack;
  readonly outgoing: Stream;
  readonly incoming: Stream;
  /** Returns true if the runtime may have reported the peer's reset as a FIN. */
  hidesReset(): boolean;
  /** Reports that something breaks the contract. */
  reportViolation(text: string): void;
  onOver(): void;
}

export class MixedClient implements Reader {
  readonly client: AsyncClient;
  readonly side: Side;
  readonly windowBytes: number;
  readonly sent = new Tally();
  readonly got = new Tally();
  readonly reading: Reading;
  /** Sum of the bytes of all `onAck`. */
  acked = 0;
  /** Times that there was no space for bytes to send. */
  timesFull = 0;
  error: ErrorCode | undefined;
  aborted = false;
  #phase: Phase = 'before';
  #closed = false;
  #shutDown = false;
  #peerEnded = false;
  /** Length of the part of the stream that may be sent now. */
  #mayReach = 0;
  #messages = 0;
  /** Pieces of an echo that were received and are not sent yet. */
  readonly #echo: Uint8Array[] = [];
  #looks = false;
  readonly #part: Part;
  readonly #plan: SidePlan;
  readonly #reset: ResetPlan | undefined;
  readonly #random: Random;
  readonly #timers = new TimerSet();

  constructor(part: Part, client: AsyncClient, side: Side) {
    this.client = client;
    this.side = side;
    this.#part = part;
    this.windowBytes = part.stack.limits.receiveWindowBytes;
    this.#plan = part.plan.sides[side];
    this.#reset = part.plan.reset?.by === side ? part.plan.reset : undefined;
    this.#random = new Random(this.#plan.seed);
    this.#set();
    this.reading = new Reading(this, this.#plan, this.#random, part.incoming.length);
    this.#listen();
  }

  /** Sets every option again, because a reused client keeps those of its last connection. */
  #set(): void {
    const { client } = this;
    const plan = this.#plan;
    client.setAllowHalfOpen(this.#part.plan.way === 'half close');
    client.setNoDelay(plan.noDelay);
    client.setKeepAlive(KEEP_ALIVE_MS);
    client.setRxTimeout(plan.rxTimeoutS);
  }

  #listen(): void {
    const { client } = this;
    const plan = this.#plan;
    client.onConnect(() => {
      if (this.side === 'accepted' || this.#phase !== 'before') this.reportViolation('onConnect out of turn');
      this.begin();
    });
    const acked = (_: AsyncClient, bytes: number): void => {
      this.#heard('onAck');
      this.acked += bytes;
      this.#resetIfDue();
      this.#go();
    };
    client.onAck(plan.sends === 'on ack' ? acked : undefined);
    client.onTimeout(plan.sends === 'on ack' ? () => this.#heard('onTimeout') : undefined);
    client.onPoll(plan.polls ? () => this.#heard('onPoll') : undefined);
    client.onEnd(() => {
      this.#heard('onEnd');
      this.#ended();
    });
    client.onError((_, error) => {
      if (this.#phase === 'failed' || this.#phase === 'over')
        this.reportViolation('onError out of turn (L3)');
      this.#phase = 'failed';
      this.error = error;
    });
    client.onDisconnect(() => this.#disconnected());
  }

  /** Starts the plan. Called when the connection is established. */
  begin(): void {
    this.#phase = 'open';
    const { way, thinks } = this.#part.plan;
    const length = this.#part.outgoing.length;
    if (way === 'echo' && this.side === 'client') this.#nextMessage(thinks);
    else if (way !== 'echo' && !(this.#plan.answersLate && this.#waitsForEnd)) this.#mayReach = length;
    if (this.#reset?.after === 'ms') this.after(this.#reset.amount, () => this.abort());
    else this.#resetIfDue();
    this.#go();
  }

  get #waitsForEnd(): boolean {
    return this.#part.plan.way === 'half close' && this.side === 'accepted';
  }

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  abort(): void {
    if (this.client.abort() !== ErrorCode.ERR_ABRT) return;
    this.aborted = true;
    if (this.client.state() !== TcpState.CLOSED || this.client.space() !== 0)
      this.reportViolation('not over (L6)');
  }

  // ---- receiving, as the `Reader`

  arrived(bytes: Uint8Array): void {
    this.#heard('data');
    const { incoming, plan } = this.#part;
    const tally = this.got;
    if (!incoming.has(tally.bytes, bytes)) {
      this.reportViolation(`${bytes.length} bytes at ${tally.bytes} are not the stream's (D1)`);
    }
    tally.take(bytes);
    if (plan.way === 'echo') this.#talk(bytes);
    this.#resetIfDue();
    this.#go();
  }

  kept(place: number, bytes: Uint8Array): void {
    if (!this.#part.incoming.has(place, bytes))
      this.reportViolation(`bytes at ${place} changed in our hands`);
  }

  received(): number {
    return this.got.bytes;
  }

  get #receivedAll(): boolean {
    return this.got.bytes === this.#part.incoming.length;
  }

  /**
   * In an echo, the accepted side returns the bytes; the client sends the next message when it has all of the
   * last.
   */
  #talk(bytes: Uint8Array): void {
    if (this.side === 'accepted') {
      this.#echoBack(bytes);
      return;
    }
    const { messages, thinks } = this.#part.plan;
    const wasHeard =
      this.sent.bytes === this.#mayReach && this.got.bytes === this.sent.bytes - this.#headerBytes;
    if (wasHeard && this.#messages < messages.length) this.#nextMessage(thinks);
  }

  #echoBack(bytes: Uint8Array): void {
    const before = this.got.bytes - bytes.length;
    const header = Math.max(0, this.#headerBytes - before);
    if (bytes.length <= header) return;
    // The bytes of a packet are valid only until it is given back.
    const own = this.#plan.reading === 'packets' ? bytes.slice(header) : bytes.subarray(header);
    this.#echo.push(own);
    this.#mayReach += own.length;
  }

  /** Bytes of the header, which is not echoed. */
  get #headerBytes(): number {
    const { outgoing, incoming } = this.#part;
    return Math.abs(outgoing.length - incoming.length);
  }

  #nextMessage(thinks: boolean): void {
    const bytes = this.#part.plan.messages[this.#messages] ?? 0;
    const header = this.#messages === 0 ? this.#headerBytes : 0;
    this.#messages += 1;
    const say = (): void => {
      this.#mayReach += header + bytes;
      this.#go();
    };
    if (thinks && header === 0) this.after(this.#random.whole(0, LONGEST_THOUGHT_MS), say);
    else say();
  }

  #ended(): void {
    this.#peerEnded = true;
    if (this.#part.plan.way !== 'half close') this.reportViolation('onEnd without half-open (D10)');
    if (!this.#receivedAll && !this.#part.hidesReset())
      this.reportViolation('onEnd before the last byte (D8)');
    this.#mayReach = this.#part.outgoing.length;
    this.#go();
  }

  // ---- sending

  get #sentAll(): boolean {
    return this.sent.bytes === this.#part.outgoing.length;
  }

  #piece(): Uint8Array {
    const most = Math.min(this.#random.size(this.#plan.pieceBytes), this.#mayReach - this.sent.bytes);
    const waiting = this.#echo[0];
    return waiting === undefined
      ? this.#part.outgoing.piece(this.sent.bytes, most)
      : waiting.subarray(0, most);
  }

  /** Sends as much as the plan and the space allow, and ends the connection if it is time. */
  #go(): void {
    if (this.#phase !== 'open' || this.#closed || this.aborted) return;
    const { client } = this;
    for (let count = 0; count < PIECES_AT_ONCE; count += 1) {
      if (this.sent.bytes >= this.#mayReach || !client.canSend()) break;
      this.#add(this.#piece());
      if (this.#random.isOneIn(4)) client.send();
    }
    client.send();
    if (this.#reset?.after === 'sent') this.#resetIfDue();
    if (this.sent.bytes < this.#mayReach) this.#goOnLater();
    this.#finish();
  }

  #add(piece: Uint8Array): void {
    const space = this.client.space();
    const taken = this.client.add(piece, this.#random.pick(WRITE_FLAGS));
    this.#checkAdd(piece.length, taken, space);
    this.sent.take(piece.subarray(0, taken));
    const waiting = this.#echo[0];
    if (waiting === undefined) return;
    if (taken < waiting.length) this.#echo[0] = waiting.subarray(taken);
    else this.#echo.shift();
  }

  #checkAdd(length: number, taken: number, space: number): void {
    const left = this.client.space();
    const fits = Math.min(length, space);
    // Without `onAck`, `space()` may rise at any time.
    const isExact = this.#plan.sends === 'on ack';
    const isRight = isExact
      ? taken === fits && left === space - taken
      : taken >= fits && left >= space - taken;
    // A stack may detect a reset by sending.
    if (isRight || this.client.state() === TcpState.CLOSED) return;
    this.reportViolation(`of ${length} add took ${taken}, and left ${left} of ${space} (D2)`);
  }

  #goOnLater(): void {
    if (!this.client.canSend()) this.timesFull += 1;
    if (this.#plan.sends === 'on ack' || this.#looks) return;
    this.#looks = true;
    this.after(this.#random.whole(0, LONGEST_LOOK_MS), () => {
      this.#looks = false;
      this.#go();
    });
  }

  #finish(): void {
    if (!this.#sentAll || this.aborted) return;
    const isHalfClose = this.#part.plan.way === 'half close';
    if (isHalfClose && !this.#shutDown) {
      this.#shutDown = true;
      const code = this.client.shutdown();
      if (code !== ErrorCode.ERR_OK && this.#isOpen) this.reportViolation(`shutdown answered ${code}`);
    }
    const hasAll = isHalfClose ? this.#peerEnded : this.#receivedAll;
    if (!this.#plan.closes || !hasAll) return;
    this.#closed = true;
    this.client.close();
  }

  get #isOpen(): boolean {
    const state = this.client.state();
    return state === TcpState.ESTABLISHED || state === TcpState.CLOSE_WAIT;
  }

  #resetIfDue(): void {
    const reset = this.#reset;
    if (reset === undefined || reset.after === 'ms' || this.#closed || this.aborted) return;
    const done = reset.after === 'sent' ? this.sent.bytes : this.got.bytes;
    if (done >= reset.amount) this.abort();
  }

  // ---- the end

  #disconnected(): void {
    if (this.#phase === 'over') this.reportViolation('a second onDisconnect (L2)');
    this.#phase = 'over';
    this.#timers.clear();
    const { client } = this;
    if (client.space() !== 0 || client.state() !== TcpState.CLOSED)
      this.reportViolation('space or state (L6)');
    if (this.aborted !== (this.error === ErrorCode.ERR_ABRT)) this.reportViolation('the error of abort (L4)');
    if (this.error === undefined) this.#checkOrder();
    this.#part.onOver();
  }

  /** Checks that nothing is missing after an end without an error. */
  #checkOrder(): void {
    if (this.#part.hidesReset()) return;
    if (!this.#receivedAll) this.reportViolation('not all was received (D8)');
    if (!this.#sentAll) this.reportViolation('not all was sent');
    if (this.#plan.sends === 'on ack' && this.acked !== this.sent.bytes)
      this.reportViolation('acknowledged (D7)');
    const wantsEnd = this.#part.plan.way === 'half close';
    if (wantsEnd && !this.#peerEnded) this.reportViolation('no onEnd (D10)');
  }

  #heard(what: string): void {
    if (this.#phase !== 'open') this.reportViolation(`${what} while ${this.#phase} (L2, L3)`);
    if (this.aborted) this.reportViolation(`${what} after abort`);
  }

  after(ms: number, job: () => void): void {
    this.#timers.after(ms, job);
  }

  reportViolation(text: string): void {
    this.#part.reportViolation(`${this.side}: ${text}`);
  }

  toString(): string {
    const { incoming, outgoing } = this.#part;
    const done = [this.#closed && 'closed', this.#shutDown && 'shut down', this.aborted && 'aborted'];
    return [
      `${this.#phase}, ${this.client.stateToString()}`,
      `sent ${this.sent.bytes} of ${outgoing.length}, acked ${this.acked}`,
      `received ${this.got.bytes} of ${incoming.length}, withheld ${this.reading.withheld}`,
      `error ${String(this.error)}`,
      ...done.filter((word) => word !== false),
      ...(this.#peerEnded ? ['the peer ended'] : []),
    ].join(', ');
  }
}
