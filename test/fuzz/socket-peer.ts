/** A random peer on `node:net`: it reads slowly, resets, half closes, sends in tiny or large pieces. */
import type { Socket } from 'node:net';
import { pattern } from '../contract/pattern.js';
import { Random } from '../support/random.js';
import { nodeReportsResets } from '../support/stacks.js';
import { TimerSet } from '../support/timer-set.js';
import type { SideReport, LinkPlan } from './link.js';
import { matchesStream, type RoundContext } from './round-context.js';

const LARGEST_PIECE = 262_144;
const TINY_PIECE = 100;
const LONGEST_PAUSE_MS = 20;
const LATEST_END_MS = 400;
/** Pieces in one turn of the event loop, so that other connections get their share of it. */
const PIECES_AT_ONCE = 64;
const ENDINGS = ['all', 'all', 'part', 'reset', 'destroy', 'stays'] as const;

export class SocketPeer implements SideReport {
  readonly name = 'socket';
  taken = 0;
  got = 0;
  sawEnd = false;
  mayReset = false;
  isCut = false;
  isOver = false;
  log: string;
  readonly #context: RoundContext;
  readonly #socket: Socket;
  readonly #plan: LinkPlan;
  readonly #random: Random;
  readonly #isTiny: boolean;
  #isSlow: boolean;
  #onlyReads = false;
  readonly #goal: number;
  readonly #timers = new TimerSet();
  readonly #otherResets: () => boolean;

  /**
   * @param otherResets returns true if the other side may have reset; old releases of Node report that as an
   * end.
   */
  constructor(context: RoundContext, socket: Socket, plan: LinkPlan, otherResets: () => boolean) {
    this.#context = context;
    this.#socket = socket;
    this.#plan = plan;
    this.#otherResets = otherResets;
    const random = (this.#random = new Random(plan.peerSeed));
    this.#isTiny = random.isOneIn(4);
    this.#isSlow = random.isOneIn(2);
    const ending = random.pick(ENDINGS);
    this.#goal = ending === 'all' ? plan.peerBytes : random.whole(0, plan.peerBytes);
    this.log = `${ending}${this.#isTiny ? ' tiny' : ''}${this.#isSlow ? ' slow' : ''}`;
    socket.on('data', (bytes) => this.#data(bytes));
    socket.on('end', () => this.#end());
    socket.on('error', (error) => (this.log += `, ${error.message}`));
    socket.on('close', () => this.#close());
    if (ending === 'reset' || ending === 'destroy') {
      this.#timers.after(random.whole(0, LATEST_END_MS), () => this.finish(ending === 'reset'));
    }
    this.#send(ending !== 'stays');
  }

  /** From now on it only reads, without pauses. */
  onlyRead(): void {
    this.#onlyReads = true;
    this.#isSlow = false;
    this.#timers.clear();
    this.#socket.resume();
  }

  /** Ends the connection at once: with a reset if `resets` or if data is unread, else with a FIN. */
  finish(resets = true): void {
    if (this.isOver) return;
    this.mayReset = true;
    this.isCut = true;
    // Node cannot reset a socket after `end`, and would leave it open.
    if (resets && !this.#socket.writableEnded) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #send(ends: boolean): void {
    const socket = this.#socket;
    if (this.#onlyReads) return;
    let isFree = true;
    for (let count = 0; isFree && count < PIECES_AT_ONCE && this.taken < this.#goal; count += 1) {
      const most = this.#isTiny ? TINY_PIECE : LARGEST_PIECE;
      const bytes = Math.min(this.#random.size(most), this.#goal - this.taken);
      isFree = socket.write(pattern(this.#plan.peerStream, this.taken, bytes));
      this.taken += bytes;
    }
    if (this.taken === this.#goal) {
      if (ends) socket.end();
    } else if (isFree) {
      this.#timers.after(this.#random.whole(0, this.#isTiny ? 1 : LONGEST_PAUSE_MS), () => this.#send(ends));
    } else {
      socket.once('drain', () => this.#send(ends));
    }
  }

  #data(bytes: Uint8Array): void {
    if (!matchesStream(this.#plan.ourStream, this.got, bytes)) {
      this.#context.report(`connection ${this.#plan.number}: the peer got other bytes from ${this.got} on`);
    }
    this.got += bytes.length;
    if (!this.#isSlow) return;
    this.#socket.pause();
    this.#timers.after(this.#random.whole(0, LONGEST_PAUSE_MS), () => this.#socket.resume());
  }

  #end(): void {
    if (nodeReportsResets || !this.#otherResets()) this.sawEnd = true;
    // Answers the FIN with its own, also if its stream is incomplete.
    if (this.#socket.writable) this.#socket.end();
  }

  #close(): void {
    this.isOver = true;
    this.#timers.clear();
  }
}
