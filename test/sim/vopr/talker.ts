/**
 * One end of a connection, which follows a script and checks what it sees: the bytes against those of the
 * sender, and each callback and answer against the model of `CheckedClient`.
 */
import { AsyncClient, ErrorCode } from 'asynctcp';
import { CheckedClient, type EventName } from '../../contract/checked-client.js';
import type { Dice } from './dice.js';
import type { Actor, Life } from './run-state.js';
import type { Script } from './script.js';
import { HEADER_BYTES, IncomingStream, type OutgoingStream } from './streams.js';

/** Pieces that are added at once at most. */
const MOST_PIECES = 64;
/** Time between two looks at a direction that waits for the peer. */
const WAITING_MS = 500;

/** Codes with which a connection may end under faults. */
const UNDER_FAULTS: readonly number[] = [
  ErrorCode.ERR_RST,
  ErrorCode.ERR_TIMEOUT,
  ErrorCode.ERR_RTE,
  ErrorCode.ERR_MEM,
];

/** How an end came to its connection. */
export interface TalkerOrigin {
  readonly client: AsyncClient;
  readonly isAccepted: boolean;
  /** True: the peer's header decides what this end sends. */
  readonly waitsForHeader: boolean;
  /** True: a LinkKeeper may reset the connection. */
  readonly isKept?: boolean;
}

export class Talker extends CheckedClient implements Actor {
  readonly life: Life;
  readonly #dice: Dice;
  readonly #script: Script;
  readonly #name: string;
  readonly #origin: TalkerOrigin;
  readonly outgoing: OutgoingStream;
  readonly incoming: IncomingStream;
  #givesBack = false;
  #code = 0;
  onOver: () => void = () => undefined;

  constructor(origin: TalkerOrigin, life: Life, dice: Dice, script: Script) {
    super(origin.client, life.run.log, life.host.stack.limits.sendBufferBytes);
    const { run, host } = life;
    this.countsSegments = host.profile.tcp.sendQueueSegments !== undefined;
    this.life = life;
    this.#dice = dice;
    this.#script = script;
    this.#origin = origin;
    const name = `${host.name} ${origin.isAccepted ? 'accepted' : 'dialing'}`;
    this.outgoing = run.book.open(name, script.wantsEcho);
    this.#name = `${name} ${this.outgoing.id}`;
    this.incoming = new IncomingStream(run.book, this.#name);
    run.actors.add(this);
    this.#configure();
  }

  #configure(): void {
    const { client } = this;
    const { reportsAcks, ackTimeoutMs, keepAliveMs, noDelay, reading } = this.#script;
    this.listen(reportsAcks, ackTimeoutMs > 0, reading === 'packets');
    client.setNoDelay(noDelay);
    client.setAckTimeout(ackTimeoutMs);
    if (keepAliveMs > 0) client.setKeepAlive(keepAliveMs, 3);
  }

  name(): string {
    return `${this.#name} at ${this.life.run.network.nowMs} ms`;
  }

  describe(): string {
    const { client, incoming, outgoing } = this;
    const state = `${client.stateToString()}, ${this.added} of ${this.#total()} bytes added, ${this.acked} acked`;
    const from = incoming.source === undefined ? 'nothing' : `stream ${incoming.source.id}`;
    return `${this.#name}: ${state}, ${incoming.received} bytes of ${from} (stream ${outgoing.id})`;
  }

  protected override isExpected(code: number): boolean {
    this.#code = code;
    const { isKept = false } = this.#origin;
    if (this.life.run.isSafe) return false;
    if (isKept && code === ErrorCode.ERR_ABRT) return true;
    // A host with lwIP's tables closes a connection to make room for another one.
    const makesRoom = this.life.host.profile.tcp.exhaustion !== 'heap';
    return UNDER_FAULTS.includes(code) || (makesRoom && code === ErrorCode.ERR_ABRT);
  }

  protected override readonly countsSegments: boolean;

  protected override bytesToSend(from: number, length: number): Uint8Array {
    return this.outgoing.bytes(from, length);
  }

  override add(bytes: number, flags?: number): void {
    super.add(bytes, flags);
    this.outgoing.added = this.added;
  }

  protected override received(bytes: Uint8Array): void {
    this.incoming.take(bytes);
  }

  protected act(event: EventName): void {
    switch (event) {
      case 'connect':
      case 'accepted':
        this.#begin();
        break;
      case 'data':
      case 'packet':
        this.#read(event);
        this.#go();
        break;
      case 'end':
        this.incoming.ended();
        this.#go();
        break;
      case 'disconnect':
        this.#over();
        break;
      case 'ack':
      case 'poll':
      case 'timeout':
      case 'error':
        if (event !== 'error' && this.#script.thinkMs === 0) this.#go();
    }
  }

  endNow(): void {
    if (this.isClosed) return;
    if (this.isConnected && !this.isEnding) this.outgoing.endsAt = this.added;
    this.close();
  }

  /** The server has ended, and with it its clients. */
  serverEnded(by: 'close' | 'abort'): void {
    if (by === 'abort') this.wasAborted(!this.isClosed);
    else {
      if (!this.isEnding) this.outgoing.endsAt = this.added;
      this.wasClosed();
    }
  }

  #begin(): void {
    const { ending, abruptMs, thinkMs } = this.#script;
    if (ending === 'abrupt') this.#later(abruptMs, () => this.#end(this.#script.abruptBy));
    if (thinkMs > 0) this.#think();
    this.#go();
  }

  #think(leastMs = 0): void {
    this.#later(Math.max(leastMs, this.#dice.wait(this.#script.thinkMs)), () => {
      const before = this.added;
      this.#go();
      // A direction that waits for the peer need not look often.
      if (!this.isEnding) this.#think(this.added === before ? WAITING_MS : 0);
    });
  }

  /** Runs `job` after a time, in this connection's life. */
  #later(ms: number, job: () => void): void {
    this.life.later(ms, () => {
      if (!this.isConnected) return;
      this.life.run.guard(this.name(), job);
      this.checkFromOutside();
    });
  }

  // ---- sending

  /** Returns the length of the stream, as far as it is known. */
  #total(): number {
    if (this.#isEcho) return this.incoming.received;
    return HEADER_BYTES + this.#script.bytes;
  }

  get #isEcho(): boolean {
    return this.#origin.waitsForHeader && this.incoming.source?.wantsEcho === true;
  }

  /** Returns the place up to which bytes may be sent now. */
  #limit(): number {
    if (this.#origin.waitsForHeader && this.incoming.source === undefined) return 0;
    const total = this.#total();
    if (!this.outgoing.wantsEcho || this.ended) return total;
    const answered = Math.max(this.incoming.received, HEADER_BYTES);
    return Math.min(total, answered + this.#script.roundBytes);
  }

  #go(): void {
    if (!this.isConnected || this.isEnding || this.isClosed) return;
    this.#send();
    this.#finish();
  }

  #send(): void {
    const { pieceBytes, thinkMs, flags } = this.#script;
    const most = thinkMs > 0 ? 1 : MOST_PIECES;
    const limit = this.#limit();
    for (let pieces = 0; pieces < most && this.added < limit; pieces += 1) {
      const before = this.added;
      this.add(Math.min(pieceBytes, limit - before), flags);
      if (this.added === before) break;
    }
    this.send();
  }

  #finish(): void {
    const { ending } = this.#script;
    const hasSource = !this.#origin.waitsForHeader || this.incoming.source !== undefined;
    const isWhole = this.added === this.#total() && (!this.#isEcho || this.ended);
    // A peer that ends inside its header asks for nothing.
    if (!isWhole || !hasSource) {
      if (this.ended && !hasSource) this.#end('close');
      return;
    }
    if (ending === 'shuts') this.#end('shutdown');
    else if (ending === 'closes' || this.ended) this.#end('close');
  }

  #end(by: Script['abruptBy']): void {
    if (by === 'abort') {
      this.abort();
      return;
    }
    if (this.isEnding || this.isClosed) return;
    if (this.isConnected) this.outgoing.endsAt = this.added;
    if (by === 'close') this.close();
    else this.shutdown();
  }

  // ---- receiving

  #read(event: 'data' | 'packet'): void {
    const { reading, readDelayMs } = this.#script;
    const { client } = this;
    if (reading === 'pauses') {
      if (client.paused() || !this.#dice.isLucky(0.2)) return;
      client.pause();
      this.#later(this.#dice.wait(readDelayMs), () => {
        client.resume();
      });
      return;
    }
    if (event === 'data' && reading === 'ack later') this.withhold();
    if (reading === 'at once' || this.#givesBack) return;
    this.#givesBack = true;
    this.#later(this.#dice.wait(readDelayMs), () => {
      this.#givesBack = false;
      this.giveBack();
      this.#go();
    });
  }

  // ---- the end

  #over(): void {
    const { run } = this.life;
    run.actors.delete(this);
    run.census.bytesAcked += this.acked;
    run.census.end(this.#code === 0 ? 'in order' : AsyncClient.errorToString(toCode(this.#code)));
    this.onOver();
  }

  override crashed(): void {
    super.crashed();
    this.life.run.actors.delete(this);
    this.life.run.census.end('crashed');
  }
}

function toCode(code: number): ErrorCode {
  return Object.values(ErrorCode).find((known) => known === code) ?? ErrorCode.ERR_OK;
}
