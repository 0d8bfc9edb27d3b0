/** A connection whose calls and events are recorded: one object for each direction, none for a call. */
import { enqueueAllAndFlush } from '../../port/enqueue-all.js';
import type {
  Connection,
  ConnectionEvents,
  Endpoint,
  Fault,
  Loan,
  PathFigures,
  SendFlags,
} from '../../port/tcp-stack.js';
import { stateName, type TcpState } from '../../port/tcp-state.js';
import { faultText, flagsText } from './line-text.js';
import type { Recorder } from './recorder.js';

/** The events of a connection, on their way from the stack to the receiver. */
export class RecordedConnectionEvents implements ConnectionEvents {
  readonly #receiver: ConnectionEvents;
  readonly #recorder: Recorder;
  readonly #number: number;

  constructor(receiver: ConnectionEvents, recorder: Recorder, number: number) {
    this.#receiver = receiver;
    this.#recorder = recorder;
    this.#number = number;
  }

  onData(bytes: Uint8Array, loan?: Loan): void {
    const shown = this.#recorder.shown(bytes, bytes.length);
    this.#recorder.event(this.#number, `onData ${bytes.length}${loan === undefined ? '' : ' loan'}${shown}`);
    this.#receiver.onData(bytes, loan);
  }

  onAcked(bytes: number): void {
    this.#recorder.event(this.#number, `onAcked ${bytes}`);
    this.#receiver.onAcked(bytes);
  }

  onSpaceFreed(): void {
    this.#recorder.event(this.#number, 'onSpaceFreed');
    this.#receiver.onSpaceFreed?.();
  }

  onDrained(): void {
    this.#recorder.event(this.#number, 'onDrained');
    this.#receiver.onDrained?.();
  }

  onEnd(): void {
    this.#recorder.event(this.#number, 'onEnd');
    this.#receiver.onEnd();
  }

  onClosed(fault: Fault | undefined): void {
    this.#recorder.event(this.#number, fault === undefined ? 'onClosed' : `onClosed ${faultText(fault)}`);
    this.#receiver.onClosed(fault);
  }
}

/** The calls of a connection, on their way to the stack. */
export class RecordedConnection implements Connection {
  readonly #connection: Connection;
  readonly #recorder: Recorder;
  readonly #number: number;

  constructor(connection: Connection, recorder: Recorder, number: number) {
    this.#connection = connection;
    this.#recorder = recorder;
    this.#number = number;
  }

  get local(): Endpoint {
    return this.#connection.local;
  }

  get remote(): Endpoint {
    return this.#connection.remote;
  }

  get receiveWindowBytes(): number {
    return this.#connection.receiveWindowBytes;
  }

  state(): TcpState {
    const state = this.#connection.state();
    if (this.#recorder.isVerbose) this.#call(`state = ${stateName(state)}`);
    return state;
  }

  mss(): number {
    return this.#answer('mss', this.#connection.mss());
  }

  sendSpace(): number {
    return this.#answer('sendSpace', this.#connection.sendSpace());
  }

  hasSpaceFor(bytes: number): boolean {
    const hasSpace = this.#connection.hasSpaceFor(bytes);
    if (this.#recorder.isVerbose) this.#call(`hasSpaceFor ${bytes} = ${String(hasSpace)}`);
    return hasSpace;
  }

  unacknowledged(): number {
    return this.#answer('unacknowledged', this.#connection.unacknowledged());
  }

  queued(): number {
    return this.#answer('queued', this.#connection.queued());
  }

  heardAgoMs(): number | undefined {
    return this.#answer('heardAgoMs', this.#connection.heardAgoMs());
  }

  path(): PathFigures | undefined {
    const path = this.#connection.path?.();
    if (this.#recorder.isVerbose) this.#call(`path = ${JSON.stringify(path)}`);
    return path;
  }

  undelivered(): number | undefined {
    return this.#answer('undelivered', this.#connection.undelivered?.());
  }

  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    return this.#taken('enqueue', bytes, flags, this.#connection.enqueue(bytes, flags));
  }

  flush(): void {
    this.#call('flush');
    this.#connection.flush();
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    return this.#taken('enqueueAndFlush', bytes, flags, this.#connection.enqueueAndFlush(bytes, flags));
  }

  enqueueAllAndFlush(pieces: readonly Uint8Array[]): number {
    const taken = enqueueAllAndFlush(this.#connection, pieces);
    const shown = this.#recorder.shown(joined(pieces), taken);
    this.#call(`enqueueAllAndFlush ${pieces.map(({ length }) => length).join(' + ')} = ${taken}${shown}`);
    return taken;
  }

  consume(bytes: number): void {
    this.#call(`consume ${bytes}`);
    this.#connection.consume(bytes);
  }

  setReading(on: boolean): void {
    this.#setting('setReading', on);
    this.#connection.setReading(on);
  }

  setTakesLoans(on: boolean): void {
    this.#setting('setTakesLoans', on);
    this.#connection.setTakesLoans(on);
  }

  setTakesViews(on: boolean): void {
    this.#setting('setTakesViews', on);
    this.#connection.setTakesViews(on);
  }

  shutdown(): void {
    this.#call('shutdown');
    this.#connection.shutdown();
  }

  close(): void {
    this.#call('close');
    this.#connection.close();
  }

  drop(): void {
    this.#call('drop');
    this.#connection.drop();
  }

  abort(): void {
    this.#call('abort');
    this.#connection.abort();
  }

  gatherInTurn(): void {
    this.#call('gatherInTurn');
    this.#connection.gatherInTurn?.();
  }

  leaveAtExit(): void {
    this.#call('leaveAtExit');
    this.#connection.leaveAtExit?.();
  }

  setReportsAcks(on: boolean): void {
    this.#setting('setReportsAcks', on);
    this.#connection.setReportsAcks(on);
  }

  setReportsDrained(on: boolean): void {
    this.#setting('setReportsDrained', on);
    this.#connection.setReportsDrained(on);
  }

  setWantsSpace(bytes: number): void {
    this.#call(`setWantsSpace ${bytes}`);
    this.#connection.setWantsSpace(bytes);
  }

  setNoDelay(on: boolean): void {
    this.#setting('setNoDelay', on);
    this.#connection.setNoDelay(on);
  }

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    this.#call(`setKeepAlive idleMs=${idleMs} intervalMs=${intervalMs} probes=${probes}`);
    this.#connection.setKeepAlive(idleMs, intervalMs, probes);
  }

  setKeepsAlive(on: boolean): void {
    this.#setting('setKeepsAlive', on);
    this.#connection.setKeepsAlive(on);
  }

  #call(text: string): void {
    this.#recorder.call(this.#number, text);
  }

  #setting(name: string, on: boolean): void {
    this.#call(`${name} ${String(on)}`);
  }

  /** Records a call that only asked, if such calls are recorded. Returns the answer. */
  #answer<T extends number | undefined>(name: string, answer: T): T {
    if (this.#recorder.isVerbose) this.#call(`${name} = ${String(answer)}`);
    return answer;
  }

  /** Records bytes that were enqueued. Returns the number of those that were taken. */
  #taken(name: string, bytes: Uint8Array, flags: SendFlags, taken: number): number {
    const shown = this.#recorder.shown(bytes, taken);
    this.#call(`${name} ${bytes.length}${flagsText(flags)} = ${taken}${shown}`);
    return taken;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
