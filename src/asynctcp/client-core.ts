/**
 * State that a client keeps for as long as it exists: handlers, settings, the present session, and the ends
 * of the last connection. A setter also applies its change to the present session.
 */
import type { Endpoint } from '../port/tcp-stack.js';
import type { Admission } from './admission.js';
import type { AcceptedSettings, ClientSettings } from './client-settings.js';
import type {
  AckHandler,
  ConnectHandler,
  DataHandler,
  DisconnectHandler,
  EndHandler,
  ErrorHandler,
  PacketHandler,
  PollHandler,
  TimeoutHandler,
} from './handlers.js';
import type { Ends, SessionOwner } from './session-owner.js';
import type { Session } from './session.js';

const NOWHERE: Endpoint = { address: '0.0.0.0', port: 0 };
const NO_ENDS: Ends = { local: NOWHERE, remote: NOWHERE };

/** Bits of `#flags`: a field of its own for each would cost every client more memory. */
const TAKES_VIEWS = 1;
const NO_DELAY = 2;
const ALLOWS_HALF_OPEN = 4;
const MAY_EXIT = 8;
const LEAVES_AT_EXIT = 16;
const STARTS_PAUSED = 32;

/** Handlers that few clients have. */
class RareHandlers<Client> {
  onPacket: PacketHandler<Client> | undefined;
  onTimeout: TimeoutHandler<Client> | undefined;
  onPoll: PollHandler<Client> | undefined;
  onEnd: EndHandler<Client> | undefined;
}

export class ClientCore<Client> implements SessionOwner<Client> {
  // The fields that every message touches come first.

  /** Set from `connect` or `accept` up to `onDisconnect`. */
  session: Session<Client> | undefined;
  readonly client: Client;
  onData: DataHandler<Client> | undefined;
  onAck: AckHandler<Client> | undefined;
  #rare: RareHandlers<Client> | undefined;

  readonly admission: Admission;
  /** Shared with other clients, so that a change makes a new object. */
  #settings: ClientSettings;
  #flags = 0;
  lastEnds = NO_ENDS;
  onConnect: ConnectHandler<Client> | undefined;
  onDisconnect: DisconnectHandler<Client> | undefined;
  onError: ErrorHandler<Client> | undefined;

  constructor(client: Client, admission: Admission, settings: ClientSettings) {
    this.client = client;
    this.admission = admission;
    this.#settings = settings;
  }

  /** Takes the initial settings of a server's clients. */
  adopt(settings: AcceptedSettings): void {
    this.#settings = settings;
    this.set(NO_DELAY, settings.noDelay);
  }

  private is(flag: number): boolean {
    return (this.#flags & flag) !== 0;
  }

  private set(flag: number, on: boolean): void {
    this.#flags = on ? this.#flags | flag : this.#flags & ~flag;
  }

  takeStartsPaused(): boolean {
    const startsPaused = this.is(STARTS_PAUSED);
    this.set(STARTS_PAUSED, false);
    return startsPaused;
  }

  sessionIsOver(ends: Ends | undefined): void {
    if (ends !== undefined) this.lastEnds = ends;
    this.session = undefined;
  }

  // ---- handlers

  get takesViews(): boolean {
    return this.is(TAKES_VIEWS);
  }

  setOnData(handler: DataHandler<Client> | undefined, takesViews: boolean): void {
    this.onData = handler;
    this.set(TAKES_VIEWS, takesViews);
    this.session?.dataHandlersChanged();
  }

  setOnAck(handler: AckHandler<Client> | undefined): void {
    this.onAck = handler;
    this.session?.onAckChanged();
  }

  get onPacket(): PacketHandler<Client> | undefined {
    return this.#rare?.onPacket;
  }

  setOnPacket(handler: PacketHandler<Client> | undefined): void {
    this.ownRare().onPacket = handler;
    this.session?.dataHandlersChanged();
  }

  get onTimeout(): TimeoutHandler<Client> | undefined {
    return this.#rare?.onTimeout;
  }

  setOnTimeout(handler: TimeoutHandler<Client> | undefined): void {
    const listened = this.onTimeout !== undefined;
    this.ownRare().onTimeout = handler;
    if (listened !== (handler !== undefined)) this.session?.onTimeoutChanged();
  }

  get onPoll(): PollHandler<Client> | undefined {
    return this.#rare?.onPoll;
  }

  setOnPoll(handler: PollHandler<Client> | undefined): void {
    this.ownRare().onPoll = handler;
    this.session?.onPollChanged();
  }

  get onEnd(): EndHandler<Client> | undefined {
    return this.#rare?.onEnd;
  }

  setOnEnd(handler: EndHandler<Client> | undefined): void {
    this.ownRare().onEnd = handler;
  }

  private ownRare(): RareHandlers<Client> {
    return (this.#rare ??= new RareHandlers());
  }

  // ---- settings

  get rxTimeoutS(): number {
    return this.#settings.rxTimeoutS;
  }

  setRxTimeout(seconds: number): void {
    this.#settings = { ...this.#settings, rxTimeoutS: seconds };
    this.session?.rxTimeoutChanged();
  }

  get ackTimeoutMs(): number {
    return this.#settings.ackTimeoutMs;
  }

  setAckTimeout(ms: number): void {
    this.#settings = { ...this.#settings, ackTimeoutMs: ms };
    this.session?.ackTimeoutChanged();
  }

  get noDelay(): boolean {
    return this.is(NO_DELAY);
  }

  setNoDelay(on: boolean): void {
    this.set(NO_DELAY, on);
    this.session?.noDelayChanged();
  }

  get keepAliveMs(): number | undefined {
    return this.#settings.keepAliveMs;
  }

  get keepAliveProbes(): number {
    return this.#settings.keepAliveProbes;
  }

  /** @param ms idle time before the first probe and between probes; 0: off. */
  setKeepAlive(ms: number, probes: number): void {
    this.#settings = { ...this.#settings, keepAliveMs: ms, keepAliveProbes: probes };
    this.session?.keepAliveChanged();
  }

  /** Bytes; `undefined`: the stack's own. */
  get receiveWindow(): number | undefined {
    return this.#settings.receiveWindow;
  }

  get allowHalfOpen(): boolean {
    return this.is(ALLOWS_HALF_OPEN);
  }

  setAllowHalfOpen(on: boolean): void {
    this.set(ALLOWS_HALF_OPEN, on);
  }

  get keepsAlive(): boolean {
    return !this.is(MAY_EXIT);
  }

  setKeepsAlive(on: boolean): void {
    this.set(MAY_EXIT, !on);
    this.session?.keepsAliveChanged();
  }

  get leavesAtExit(): boolean {
    return this.is(LEAVES_AT_EXIT);
  }

  /** Leaves its connections to the system if the process exits before they end. */
  leaveAtExit(): void {
    this.set(LEAVES_AT_EXIT, true);
    this.session?.leaveAtExit();
  }

  /** Pauses the present session, or the next one if there is none. */
  setPaused(on: boolean): void {
    if (this.session === undefined) this.set(STARTS_PAUSED, on);
    else if (on) this.session.pause();
    else this.session.resume();
  }

  isPaused(): boolean {
    return this.session?.isPaused ?? this.is(STARTS_PAUSED);
  }
}
