/** A peer on `node:net` that reads slowly, resets, half closes, sends in tiny or large pieces. */
import type { Socket } from 'node:net';
import { pattern } from '../contract/pattern.js';
import { Random } from '../support/random.js';
import type { EndReport, LinkPlan } from './link.js';
import { isOf, type Scene } from './round-context.js';

const LARGEST_PIECE = 262_144;
const TINY_PIECE = 100;
const LONGEST_PAUSE_MS = 20;
const LATEST_END_MS = 400;
/** One turn of the loop belongs to others too. */
const PIECES_AT_ONCE = 64;
/** From this version of libuv on, a reset that comes along with data is told (libuv's #4997). */
const LIBUV_TELLS = 52;

const [, libuvMinor] = process.versions.uv.split('.').map(Number);
const tellsResets = (libuvMinor ?? 0) >= LIBUV_TELLS;

const ENDINGS = ['all', 'all', 'part', 'reset', 'destroy', 'stays'] as const;

export class SocketPeer implements EndReport {
  readonly name = 'socket';
  taken = 0;
  got = 0;
  sawEnd = false;
  mayReset = false;
  isCut = false;
  isOver = false;
  story: string;
  readonly #scene: Scene;
  readonly #socket: Socket;
  readonly #plan: LinkPlan;
  readonly #random: Random;
  readonly #isTiny: boolean;
  #isSlow: boolean;
  #isCalm = false;
  readonly #goal: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #otherResets: () => boolean;

  /** @param otherResets true if the other end may have reset: old releases of Node tell that as an end. */
  constructor(scene: Scene, socket: Socket, plan: LinkPlan, otherResets: () => boolean) {
    this.#scene = scene;
    this.#socket = socket;
    this.#plan = plan;
    this.#otherResets = otherResets;
    const random = (this.#random = new Random(plan.peerSeed));
    this.#isTiny = random.whole(0, 3) === 0;
    this.#isSlow = random.whole(0, 1) === 0;
    const ending = ENDINGS[random.whole(0, ENDINGS.length - 1)] ?? 'all';
    this.#goal = ending === 'all' ? plan.peerBytes : random.whole(0, plan.peerBytes);
    this.story = `${ending}${this.#isTiny ? ' tiny' : ''}${this.#isSlow ? ' slow' : ''}`;
    socket.on('data', (bytes) => this.#data(bytes));
    socket.on('end', () => this.#end());
    socket.on('error', (error) => (this.story += `, ${error.message}`));
    socket.on('close', () => this.#close());
    if (ending === 'reset' || ending === 'destroy') {
      this.#later(random.whole(0, LATEST_END_MS), () => this.leave(ending === 'reset'));
    }
    this.#send(ending !== 'stays');
  }

  /** From now on it only reads, at once. */
  calm(): void {
    this.#isCalm = true;
    this.#isSlow = false;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket.resume();
  }

  /** Ends at once; what is unread makes it a reset. */
  leave(resets = true): void {
    if (this.isOver) return;
    this.mayReset = true;
    this.isCut = true;
    // Node cannot reset a socket whose FIN is under way, and would leave it open.
    if (resets && !this.#socket.writableEnded) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #later(ms: number, job: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      job();
    }, ms);
    this.#timers.add(timer);
  }

  #send(ends: boolean): void {
    const socket = this.#socket;
    if (this.#isCalm) return;
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
      this.#later(this.#random.whole(0, this.#isTiny ? 1 : LONGEST_PAUSE_MS), () => this.#send(ends));
    } else {
      socket.once('drain', () => this.#send(ends));
    }
  }

  #data(bytes: Uint8Array): void {
    if (!isOf(this.#plan.ourStream, this.got, bytes)) {
      this.#scene.fault(`connection ${this.#plan.number}: the peer got other bytes from ${this.got} on`);
    }
    this.got += bytes.length;
    if (!this.#isSlow) return;
    this.#socket.pause();
    this.#later(this.#random.whole(0, LONGEST_PAUSE_MS), () => this.#socket.resume());
  }

  #end(): void {
    if (tellsResets || !this.#otherResets()) this.sawEnd = true;
    // It has what it wanted to say, or it was interrupted.
    if (this.#socket.writable) this.#socket.end();
  }

  #close(): void {
    this.isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
