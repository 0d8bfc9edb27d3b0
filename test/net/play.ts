/** Plays a random program on one connection, and returns what its ends have seen. */
import { once } from 'node:events';
import type net from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import { nextTurn } from '../support/until.js';
import type { EndOptions, Program, Step } from './program.js';
import { WatchedEnd } from './watched-end.js';

/** node:net, or `asynctcp/net` on one stack. */
export interface Side {
  createServer(options: net.ServerOpts, onConnection: (socket: net.Socket) => void): net.Server;
  connect(options: net.NetConnectOpts): net.Socket;
}

/** Who carries the two ends. */
export interface World {
  readonly name: string;
  readonly subject: Side;
  readonly peer: Side;
  /**
   * True if the subject's events come in node:net's order throughout; false if only the events of reading,
   * those of writing and those of the connection have that order.
   */
  readonly isOrdered: boolean;
  /** True if node:net carries the peer, which must see the same as well. */
  readonly peerIsNodes: boolean;
  readonly needsAddon: boolean;
}

/** What one end has seen. */
export interface Seen {
  readonly log: readonly string[];
  /** Lines of the log that are compared. */
  readonly comparable: number;
}

export interface Observed {
  readonly subject: Seen;
  readonly peer: Seen;
}

/** Turns of the event loop without any event, after which nothing more is under way. */
const QUIET_TURNS = 4;
/** Ends the wait for bytes that do not come. */
const PATIENCE_MS = 5000;

const ONREAD_BYTES = 4096;

/** Starts a connection. */
class Match {
  readonly #world: World;
  readonly #program: Program;
  readonly #abort = new AbortController();
  readonly #subject: WatchedEnd;
  readonly #peer: WatchedEnd;
  /** True if an end has sent once to a peer who is gone: each stack has its own time to notice the answer. */
  #hasSentToGone = false;
  /** Acts of the subject whose bytes may not have left: asynctcp gathers what one turn writes. */
  #sending = 0;

  constructor(world: World, program: Program) {
    this.#world = world;
    this.#program = program;
    this.#subject = new WatchedEnd(program.subject, this.#abort, program.hooks);
    this.#peer = new WatchedEnd(program.peer, new AbortController());
    for (const end of [this.#subject, this.#peer]) {
      end.beforeSending = () => {
        this.#cutUnlessRead(end);
        if (end === this.#subject) void this.#noteSending();
      };
    }
    this.#subject.beforePausing = () => {
      // A stack may read more, or less, of what is under way before the event comes.
      if (this.#peer.written > this.#subject.received) this.#cutBoth();
    };
  }

  async play(): Promise<Observed> {
    const { role, isEarly } = this.#program;
    const isClient = role === 'client';
    const server = this.#listen(isClient ? this.#peer : this.#subject);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const connecting = this.#connect(isClient ? this.#subject : this.#peer, port);
    if (!isEarly) await this.#rest();
    else if (!isClient) await this.#accepted();
    for (const step of this.#program.steps) await this.#step(step);
    await this.#end();
    connecting.destroy();
    this.#subject.socket?.destroy();
    this.#peer.socket?.destroy();
    server.close();
    await once(server, 'close');
    return { subject: seenBy(this.#subject), peer: seenBy(this.#peer) };
  }

  #sideOf(end: WatchedEnd): Side {
    return end === this.#subject ? this.#world.subject : this.#world.peer;
  }

  #onAccepted: (() => void) | undefined;

  #accepted(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAccepted = resolve;
    });
  }

  #listen(end: WatchedEnd): net.Server {
    return this.#sideOf(end).createServer(serverOptions(end.options), (socket) => {
      end.watch(socket);
      this.#watchPeer(end);
      end.accepted();
      this.#onAccepted?.();
    });
  }

  #connect(end: WatchedEnd, port: number): net.Socket {
    const { allowHalfOpen, highWaterMark, noDelay, keepAlive, reading } = end.options;
    const onread = {
      buffer: Buffer.alloc(ONREAD_BYTES),
      callback: (bytes: number, buffer: Uint8Array) => {
        end.take(buffer.subarray(0, bytes));
        return true;
      },
    };
    const socket = this.#sideOf(end).connect({
      ...{ host: '127.0.0.1', port, allowHalfOpen, noDelay, keepAlive },
      ...(highWaterMark === undefined ? {} : { highWaterMark }),
      ...(reading === 'onread' ? { onread } : {}),
      ...(end === this.#subject ? { signal: this.#abort.signal } : {}),
    });
    end.watch(socket);
    this.#watchPeer(end);
    return socket;
  }

  /** Bytes leave in the turn that writes them; 'close' comes later in a turn than that. */
  async #noteSending(): Promise<void> {
    this.#sending += 1;
    await nextTurn();
    await nextTurn();
    this.#sending -= 1;
  }

  /**
   * A reset overtakes data and a FIN that the subject has not read yet: node:net reads them later, asynctcp
   * does not. A peer that is closed before gathered bytes leave sends FIN, and the reset later. A peer
   * on a stack may have read what one of node:net leaves unread.
   */
  #watchPeer(end: WatchedEnd): void {
    if (end === this.#subject) {
      // The system resets a connection that is closed with unread data: how much was read is the stack's.
      end.socket?.on('close', () => {
        const isCutOff = (end.hasReset || end.hasGivenUp) && this.#peer.received < end.written;
        if (isCutOff || end.received < this.#peer.written) this.#peer.cut();
      });
      return;
    }
    end.socket?.on('close', () => {
      const subject = this.#subject;
      // How much of such a write has left is the system's.
      if (end.hasGivenUp && subject.received < end.written) this.#cutBoth();
      const isReset = end.hasReset || end.received < subject.written;
      const isSettled = this.#world.peerIsNodes && this.#sending === 0;
      const hasAll = subject.consumes && subject.received === end.written;
      const isRead = isSettled && hasAll && !subject.socket?.writableEnded;
      if (isReset && !isRead) this.#cutUnlessRead();
    });
  }

  /** @param sender the end that sends to a peer who is gone: a reset answers it. */
  #cutUnlessRead(sender = this.#subject): void {
    const other = sender === this.#subject ? this.#peer : this.#subject;
    const { socket } = sender;
    if (other.socket?.destroyed !== true || socket?.destroyed === true) return;
    const isWholeWrite = this.#world.isOrdered && socket?.writableLength === 0 && !other.hasReset;
    if (socket?.readableEnded === true && isWholeWrite && !this.#hasSentToGone) {
      this.#hasSentToGone = true;
      return;
    }
    this.#cutBoth();
  }

  #cutBoth(): void {
    this.#subject.cut();
    this.#peer.cut();
  }

  async #step({ at, act, wait }: Step): Promise<void> {
    const end = at === 'subject' ? this.#subject : this.#peer;
    if (end.socket === undefined) await this.#rest();
    if (act.do === 'timeout') await this.#awaitTimeout(end);
    else end.do(act);
    if (wait === 'next tick') await nextTick();
    else if (wait === 'promise') await Promise.resolve();
    else if (wait === 'rest') await this.#restAndNote();
  }

  async #awaitTimeout(end: WatchedEnd): Promise<void> {
    await this.#rest();
    const { socket } = end;
    if (socket === undefined || socket.destroyed) return;
    const over = new Promise<void>((resolve) => {
      socket.once('close', resolve);
      socket.setTimeout(1, resolve);
    });
    // The timer of a socket keeps no process alive.
    const alive = setInterval(() => undefined, 1000);
    await over;
    clearInterval(alive);
    socket.setTimeout(0);
    await whenPolled();
  }

  async #restAndNote(): Promise<void> {
    await this.#rest();
    this.#subject.noteState();
    this.#peer.noteState();
  }

  /** Lets both ends finish by themselves. */
  async #end(): Promise<void> {
    await this.#restAndNote();
    for (const end of [this.#peer, this.#subject]) {
      end.open();
      await this.#restAndNote();
      this.#cutUnlessRead(end);
      end.finish();
      await this.#restAndNote();
    }
  }

  /** Resolves when nothing more happens: what was sent has arrived, and so have the ends. */
  async #rest(): Promise<void> {
    await this.#quiet();
    await whenPolled();
  }

  async #quiet(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    let before = '';
    for (let quiet = 0; quiet < QUIET_TURNS || !this.#isComplete();) {
      await nextTurn();
      this.#subject.noteLateCallbacks(this.#peer.received);
      this.#peer.noteLateCallbacks(this.#subject.received);
      const progress = `${this.#subject.progress} ${this.#peer.progress}`;
      quiet = progress === before ? quiet + 1 : 0;
      before = progress;
      if (performance.now() < deadline) continue;
      this.#subject.log.push('no rest');
      return;
    }
  }

  #isComplete(): boolean {
    const [one, other] = [this.#subject, this.#peer];
    const connects = one.socket?.connecting === true || other.socket?.connecting === true;
    const lacksEnd =
      (one.socket === undefined && other.socket?.destroyed !== true) ||
      (other.socket === undefined && one.socket?.destroyed !== true);
    return !connects && !lacksEnd && hasArrived(one, other) && hasArrived(other, one);
  }
}

function seenBy({ log, comparable, waitsForCallbacks }: WatchedEnd): Seen {
  if (waitsForCallbacks) log.push('a write without its callback');
  return { log, comparable: comparable ?? log.length };
}

/** Returns true if nothing more comes from one end to the other. */
function hasArrived(from: WatchedEnd, to: WatchedEnd): boolean {
  if (!to.consumes || to.socket === undefined || from.socket === undefined) return true;
  if (from.socket.destroyed) return to.socket.readableEnded;
  const hasData = to.discards || to.received >= from.sent;
  return hasData && (!from.socket.writableFinished || to.socket.readableEnded);
}

function serverOptions({
  allowHalfOpen,
  highWaterMark,
  noDelay,
  keepAlive,
  pauseOnConnect,
}: EndOptions): net.ServerOpts {
  const more = highWaterMark === undefined ? {} : { highWaterMark };
  return { allowHalfOpen, noDelay, keepAlive, pauseOnConnect, ...more };
}

/**
 * Resolves in the part of the next turn in which the event loop polls: there most programs do what they do.
 * libuv calls back for a FIN before it polls again, asynctcp in the part of the turn that follows the polls.
 */
async function whenPolled(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const called = new Promise((resolve) => {
    port2.once('message', resolve);
  });
  port1.postMessage(0);
  await called;
  port2.close();
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

export function play(world: World, program: Program): Promise<Observed> {
  return new Match(world, program).play();
}
