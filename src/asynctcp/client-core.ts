/**
 * State that a client keeps for as long as it exists: handlers, settings, the present session, and the ends
 * of the last connection. A setter also applies its change to the present session.
 */
import type { Endpoint } from '../port/tcp-stack.js';
import type { Admission } from './admission.js';
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

export class ClientCore<Client> implements SessionOwner<Client> {
  // The fields that every message touches come first.

  /** Set from `connect` or `accept` up to `onDisconnect`. */
  session: Session<Client> | undefined;
  readonly client: Client;
  onData: DataHandler<Client> | undefined;
  takesViews = false;
  onPacket: PacketHandler<Client> | undefined;
  onAck: AckHandler<Client> | undefined;
  onTimeout: TimeoutHandler<Client> | undefined;
  rxTimeoutS = 0;
  ackTimeoutMs: number;

  readonly admission: Admission;
  lastEnds = NO_ENDS;
  onConnect: ConnectHandler<Client> | undefined;
  onDisconnect: DisconnectHandler<Client> | undefined;
  onError: ErrorHandler<Client> | undefined;
  onPoll: PollHandler<Client> | undefined;
  onEnd: EndHandler<Client> | undefined;

  noDelay = false;
  keepAliveMs: number | undefined;
  keepAliveProbes = 0;
  allowHalfOpen = false;
  keepsAlive = true;
  leavesAtExit = false;
  #startsPaused = false;
  /** Bytes; `undefined`: the stack's own. */
  readonly receiveWindow: number | undefined;

  constructor(client: Client, admission: Admission, ackTimeoutMs: number, receiveWindow?: number) {
    this.client = client;
    this.admission = admission;
    this.ackTimeoutMs = ackTimeoutMs;
    this.receiveWindow = receiveWindow;
  }

  takeStartsPaused(): boolean {
    const startsPaused = this.#startsPaused;
    this.#startsPaused = false;
    return startsPaused;
  }

  sessionIsOver(ends: Ends | undefined): void {
    if (ends !== undefined) this.lastEnds = ends;
    this.session = undefined;
  }

  // ---- handlers

  setOnData(handler: DataHandler<Client> | undefined, takesViews: boolean): void {
    this.onData = handler;
    this.takesViews = takesViews;
    this.session?.dataHandlersChanged();
  }

  setOnPacket(handler: PacketHandler<Client> | undefined): void {
    this.onPacket = handler;
    this.session?.dataHandlersChanged();
  }

  setOnAck(handler: AckHandler<Client> | undefined): void {
    this.onAck = handler;
    this.session?.onAckChanged();
  }

  setOnTimeout(handler: TimeoutHandler<Client> | undefined): void {
    const listened = this.onTimeout !== undefined;
    this.onTimeout = handler;
    if (listened !== (handler !== undefined)) this.session?.onTimeoutChanged();
  }

  setOnPoll(handler: PollHandler<Client> | undefined): void {
    this.onPoll = handler;
    this.session?.onPollChanged();
  }

  // ---- settings

  setRxTimeout(seconds: number): void {
    this.rxTimeoutS = seconds;
    this.session?.rxTimeoutChanged();
  }

  setAckTimeout(ms: number): void {
    this.ackTimeoutMs = ms;
    this.session?.ackTimeoutChanged();
  }

  setNoDelay(on: boolean): void {
    this.noDelay = on;
    this.session?.noDelayChanged();
  }

  /** @param ms idle time before the first probe and between probes; 0: off. */
  setKeepAlive(ms: number, probes: number): void {
    this.keepAliveMs = ms;
    this.keepAliveProbes = probes;
    this.session?.keepAliveChanged();
  }

  setKeepsAlive(on: boolean): void {
    this.keepsAlive = on;
    this.session?.keepsAliveChanged();
  }

  /** Leaves its connections to the system if the process exits before they end. */
  leaveAtExit(): void {
    this.leavesAtExit = true;
    this.session?.leaveAtExit();
  }

  /** Pauses the present session, or the next one if there is none. */
  setPaused(on: boolean): void {
    if (this.session === undefined) this.#startsPaused = on;
    else if (on) this.session.pause();
    else this.session.resume();
  }

  isPaused(): boolean {
    return this.session?.isPaused ?? this.#startsPaused;
  }
}
