/**
 * The monitor of a thread: figures of its connections, servers, links and task at this moment, a history of
 * seconds and a log of events. It is the thread's observer (`asynctcp/observer.ts`), and samples all
 * connections once a second. All that it keeps is bounded; of connections it keeps one record each while they
 * are open.
 *
 * Call order: the constructor; then `#second` once a second until `end`.
 */
import { ErrorCode } from '../port/error-code.js';
import { TcpState } from '../port/tcp-state.js';
import type { Fault, TcpStack } from '../port/tcp-stack.js';
import { errorText } from '../asynctcp/tcp-error.js';
import type { DisconnectReason } from '../asynctcp/handlers.js';
import { checkHandler, checkInteger, show } from '../asynctcp/check.js';
import {
  isListener,
  observeWith,
  type ObservedConnection,
  type ObservedListener,
  type Observer,
} from '../asynctcp/observer.js';
import { Session } from '../asynctcp/session.js';
import { sendBudget, socketUsers, stacksInUse, type SocketUser } from '../asynctcp/thread-registry.js';
import { throwUncaught } from '../support/uncaught.js';
import { observeBites, type WatchdogBite } from '../task/watchdog-bite.js';
import { systemClock, wallClockMs, type Alarm, type Clock } from '../support/clock.js';
import { observeWarnings } from '../support/warn.js';
import { ConnectionRecord } from './connection-record.js';
import { causeName, ErrorCounts } from './error-counts.js';
import { EventLog } from './event-log.js';
import { linkFigures, LinkWatch } from './link-figures.js';
import { ListenerRecords } from './listener-records.js';
import { checkMonitorOptions, type MonitorOptions } from './options.js';
import { Ring } from './ring.js';
import type { MonitorEvent, Second, Snapshot, Totals } from './snapshot.js';
import { biteLine, TaskView } from './task-view.js';

/** Interval of the samples. */
export const SAMPLE_MS = 1000;
/** Seconds of the history: 15 minutes. */
export const MOST_SECONDS = 900;
/** Difference of the time of day that is let be. */
const OFFSET_TOLERANCE_MS = 50;
/** Handlers of `onSecond` at once. */
export const MOST_HANDLERS = 100;

/** Called after the sample of each second. */
export type SecondHandler = (second: Second) => unknown;

/** Counts since the monitor began. */
interface Counts {
  accepted: number;
  connected: number;
  closed: number;
  refused: number;
  bytesIn: number;
  bytesOut: number;
  errors: number;
}

function isSession(user: SocketUser): user is SocketUser & ObservedConnection {
  return user instanceof Session;
}

/** Ends that the program asked for: they are no errors. */
const ASKED_FOR: readonly DisconnectReason[] = ['aborted', 'serverEnded'];

let running: Monitor | undefined;

/** Returns the median; `null` of no values. */
function median(values: number[]): number | null {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? null;
}

export class Monitor {
  readonly #clock: Clock;
  readonly #blockedAfterMs: number;
  readonly #events: EventLog;
  readonly #history = new Ring<Second>(MOST_SECONDS);
  readonly #listeners = new ListenerRecords();
  readonly #connections = new Map<ObservedConnection, ConnectionRecord>();
  readonly #errors = new ErrorCounts();
  readonly #links = new LinkWatch();
  readonly #task = new TaskView();
  readonly #handlers = new Set<SecondHandler>();
  /** Offset of the time of day to the monitor's clock. */
  #wallOffsetMs = 0;
  readonly #sinceMs: number;
  #lastId = 0;
  #most = 0;
  #accepted = 0;
  #connected = 0;
  #closed = 0;
  #refused = 0;
  /** Connections that this side was refused, and those that no listener of the table refused, of a second. */
  readonly #refusedBy = new Map<string, number>();
  /** Bytes of the connections that have ended. */
  #endedIn = 0;
  #endedOut = 0;
  #before: Counts;
  #nextMs: number;
  #alarm: Alarm;

  /** Use `startMonitor`: a thread has one monitor. */
  constructor(options: MonitorOptions) {
    const { clock, blockedAfterMs } = checkMonitorOptions(options);
    this.#clock = clock;
    this.#blockedAfterMs = blockedAfterMs;
    const nowMs = clock.nowMs();
    this.#adjustOffset();
    this.#sinceMs = nowMs;
    this.#events = new EventLog(() => this.#wallMs());
    this.#takeOver();
    this.#before = this.#counts();
    this.#nextMs = nowMs + SAMPLE_MS;
    this.#alarm = this.#awaitSecond();
    observeWith(this.#observer);
    observeBites((bite) => {
      this.#bitten(bite);
    });
    observeWarnings((line) => {
      this.#events.add('warning', 'warn', line);
    });
  }

  // ---- what it knows

  /** Returns the figures of this moment; those of the bytes under way are at most a second old. */
  snapshot(): Snapshot {
    const nowMs = this.#clock.nowMs();
    const offsetMs = this.#wallOffsetMs;
    return {
      atMs: this.#wallMs(),
      sinceAtMs: Math.round(this.#sinceMs + offsetMs),
      listeners: this.#listeners.figures(nowMs, offsetMs),
      totals: this.#totals(),
      errors: this.#errors.figures(),
      links: linkFigures(nowMs, offsetMs),
      connections: [...this.#connections.values()].map((record) => record.figures(nowMs, offsetMs)),
      task: this.#task.figures(nowMs),
    };
  }

  /** Returns the last 15 minutes, a second an entry, the oldest first. */
  history(): Second[] {
    return this.#history.last(MOST_SECONDS);
  }

  /**
   * Returns the events after the one of this number, the oldest first; at most the last 1000.
   * @param sinceId 0: all that are kept.
   * @throws TypeError, RangeError unless it is an integer of at least 0.
   */
  events(sinceId = 0): MonitorEvent[] {
    return this.#events.since(checkInteger('sinceId', sinceId, 0, Number.MAX_SAFE_INTEGER));
  }

  /**
   * Calls the handler after the sample of each second.
   * @returns a function that removes the handler.
   * @throws TypeError for something else than a function, RangeError past 100 handlers.
   */
  onSecond(handler: SecondHandler): () => void {
    if (checkHandler('onSecond', handler) === undefined)
      throw new TypeError('onSecond must be given a function');
    if (this.#handlers.size >= MOST_HANDLERS) {
      throw new RangeError(`onSecond takes at most ${MOST_HANDLERS} handlers`);
    }
    const own: SecondHandler = (second) => handler(second);
    this.#handlers.add(own);
    return () => {
      this.#handlers.delete(own);
    };
  }

  // ---- what it does

  /**
   * Closes a connection, as `AsyncClient.close`.
   * @param id the connection's number.
   * @returns false if no open connection has this number.
   * @throws TypeError, RangeError unless it is an integer of at least 1.
   */
  close(id: number): boolean {
    return this.#act(id, 'closed', (connection) => {
      connection.close('closed');
    });
  }

  /** Resets a connection, as `AsyncClient.abort`. Otherwise as `close`. */
  reset(id: number): boolean {
    return this.#act(id, 'reset', (connection) => {
      connection.abort();
    });
  }

  #act(id: number, done: string, act: (connection: ObservedConnection) => void): boolean {
    checkInteger('id', id, 1, Number.MAX_SAFE_INTEGER);
    for (const [connection, record] of this.#connections) {
      if (record.id !== id) continue;
      this.#events.add('act', 'info', `${record.peer} is ${done} on demand`, id);
      act(connection);
      return true;
    }
    return false;
  }

  /** Ends the monitor: it observes and samples no more. Harmless a second time. */
  end(): void {
    if (running !== this) return;
    running = undefined;
    this.#alarm.cancel();
    observeWith(undefined);
    observeBites(undefined);
    observeWarnings(undefined);
    this.#handlers.clear();
    this.#connections.clear();
  }

  // ---- time

  /**
   * Follows the machine's time of day, which may be set. A difference of some milliseconds is let be, so that
   * a time in the figures does not change from one snapshot to the next. A virtual clock keeps its offset.
   */
  #adjustOffset(): void {
    const offsetMs = Math.round(wallClockMs() - this.#clock.nowMs());
    const isFirst = this.#wallOffsetMs === 0;
    const isOff =
      this.#clock === systemClock && Math.abs(offsetMs - this.#wallOffsetMs) > OFFSET_TOLERANCE_MS;
    if (isFirst || isOff) this.#wallOffsetMs = offsetMs;
  }

  #wallMs(): number {
    return Math.round(this.#clock.nowMs() + this.#wallOffsetMs);
  }

  #awaitSecond(): Alarm {
    return this.#clock.setAlarm(this.#nextMs, () => {
      this.#second();
    });
  }

  #second(): void {
    const nowMs = this.#clock.nowMs();
    // Seconds in which the thread was blocked have no entry.
    this.#nextMs += SAMPLE_MS * Math.max(1, Math.ceil((nowMs - this.#nextMs + 1) / SAMPLE_MS));
    this.#alarm = this.#awaitSecond();
    const second = this.#sample(nowMs);
    this.#history.add(second);
    for (const handler of this.#handlers) {
      try {
        handler(second);
      } catch (error) {
        throwUncaught(error);
      }
    }
  }

  #sample(nowMs: number): Second {
    this.#adjustOffset();
    this.#listeners.update(nowMs);
    this.#links.sample(this.#events);
    let blocked = 0;
    let retransmissions = 0;
    const roundTrips: number[] = [];
    for (const record of this.#connections.values()) {
      const before = record.blocked;
      retransmissions += record.sample(nowMs, this.#blockedAfterMs);
      if (record.blocked !== before) this.#noteBlockage(record);
      if (record.blocked !== undefined) blocked += 1;
      if (record.roundTripMs !== undefined) roundTrips.push(record.roundTripMs);
    }
    this.#noteRefusals();
    this.#events.second();
    const before = this.#before;
    const now = this.#counts();
    this.#before = now;
    return {
      atMs: this.#wallMs(),
      connections: this.#connections.size,
      accepts: now.accepted + now.connected - before.accepted - before.connected,
      closes: now.closed - before.closed,
      refused: now.refused - before.refused,
      errors: now.errors - before.errors,
      bytesIn: now.bytesIn - before.bytesIn,
      bytesOut: now.bytesOut - before.bytesOut,
      blocked,
      roundTripMs: median(roundTrips),
      retransmissions,
    };
  }

  #noteBlockage(record: ConnectionRecord): void {
    const { id, peer, blocked, waitingBytes } = record;
    if (blocked === undefined) this.#events.add('unblock', 'info', `${peer} moves again`, id);
    else this.#events.add('block', 'warn', `${peer} is blocked: ${blocked}, ${waitingBytes} bytes wait`, id);
  }

  /** A flood of refusals is one line a second for each listener. */
  #noteRefusals(): void {
    for (const [where, count] of this.#refusedBy) {
      const what = count === 1 ? '1 connection was' : `${count} connections were`;
      this.#events.add('refuse', 'warn', `${what} refused${where}`);
    }
    this.#refusedBy.clear();
  }

  // ---- counts

  #counts(): Counts {
    let bytesIn = this.#endedIn;
    let bytesOut = this.#endedOut;
    for (const { bytesIn: received, bytesOut: sent } of this.#connections.keys()) {
      bytesIn += received;
      bytesOut += sent;
    }
    return {
      accepted: this.#accepted,
      connected: this.#connected,
      closed: this.#closed,
      refused: this.#refused,
      bytesIn,
      bytesOut,
      errors: this.#errors.total,
    };
  }

  #totals(): Totals {
    const stacks = stacksInUse();
    let unacknowledged = 0;
    for (const record of this.#connections.values()) unacknowledged += record.unacknowledged;
    return {
      connections: this.#connections.size,
      mostConnections: this.#most,
      limit: limitOf(stacks),
      ...this.#counts(),
      unacknowledged,
      sendBudget: sendBudget(stacks),
    };
  }

  // ---- the observer

  readonly #observer: Observer = {
    onOpened: (connection) => {
      this.#open(connection);
    },
    onOver: (connection, reason, fault) => {
      this.#over(connection, reason, fault);
    },
    onException: (connection, error) => {
      this.#error(
        'exception',
        `a callback of ${this.#peerOf(connection)} threw ${thrownText(error)}`,
        connection,
      );
    },
    onListening: (listener) => {
      const place = this.#listeners.begin(listener, this.#clock.nowMs());
      this.#events.add('listen', 'info', `${place} listens`);
    },
    onListenFailed: (listener, fault) => {
      this.#error(causeName(fault.code), `${listener.address()} port ${listener.port()}: ${textOf(fault)}`);
    },
    onStopped: (listener) => {
      const place = this.#listeners.stop(listener, this.#clock.nowMs());
      if (place !== undefined) this.#events.add('stop', 'info', `${place} no longer listens`);
    },
    onRefused: (listener) => {
      this.#refuse(listener);
    },
    onAcceptFailed: (listener, fault) => {
      const text = `port ${listener.port()} cannot accept: ${textOf(fault)}`;
      const cause = causeName(fault.code);
      // The stack tries again several times a second.
      if (this.#listeners.ranShort(listener, this.#clock.nowMs())) this.#error(cause, text);
      else this.#errors.add(cause, this.#wallMs(), text);
    },
  };

  /** Takes over what there was before the monitor began. */
  #takeOver(): void {
    for (const user of socketUsers()) {
      if (isListener(user) && user.isReady()) this.#listeners.begin(user, this.#clock.nowMs());
    }
    for (const user of socketUsers()) {
      if (isSession(user) && user.state() !== TcpState.CLOSED && user.flowState() !== undefined) {
        this.#open(user).takeOver(this.#clock.nowMs());
      }
    }
  }

  #open(connection: ObservedConnection): ConnectionRecord {
    const { keeper } = connection;
    const isAccepted = keeper?.isServer === true;
    if (isAccepted) this.#accepted += 1;
    else this.#connected += 1;
    const listener = isAccepted ? this.#listeners.accepted(keeper) : null;
    this.#lastId += 1;
    const nowMs = this.#clock.nowMs();
    const origin = { id: this.#lastId, connection, listener, nowMs };
    const record = new ConnectionRecord(origin);
    this.#connections.set(connection, record);
    this.#most = Math.max(this.#most, this.#connections.size);
    return record;
  }

  #over(connection: ObservedConnection, reason: DisconnectReason, fault: Fault | undefined): void {
    if (reason === 'rxTimeout') {
      this.#error('rxTimeout', `${this.#peerOf(connection)} was silent for too long`, connection);
    } else if (fault !== undefined && !ASKED_FOR.includes(reason)) {
      this.#error(causeName(fault.code), `${this.#peerOf(connection)}: ${textOf(fault)}`, connection);
    }
    if (!this.#connections.delete(connection)) return;
    this.#closed += 1;
    this.#endedIn += connection.bytesIn;
    this.#endedOut += connection.bytesOut;
  }

  #peerOf(connection: ObservedConnection): string {
    return this.#connections.get(connection)?.peer ?? 'connect';
  }

  #error(cause: string, text: string, connection?: ObservedConnection): void {
    this.#errors.add(cause, this.#wallMs(), text);
    const id = connection === undefined ? undefined : this.#connections.get(connection)?.id;
    this.#events.add('error', 'error', `${cause}: ${text}`, id ?? null);
  }

  #refuse(listener: ObservedListener | undefined): void {
    this.#refused += 1;
    const place =
      listener === undefined ? '' : ` at ${this.#listeners.refused(listener, this.#clock.nowMs())}`;
    this.#refusedBy.set(place, (this.#refusedBy.get(place) ?? 0) + 1);
  }

  #bitten(bite: WatchdogBite): void {
    this.#task.bite(bite, this.#wallMs());
    this.#events.add('bite', 'error', biteLine(bite));
  }
}

/** Returns the limit of connections at once of all the stacks; `null` if one of them has none. */
function limitOf(stacks: ReadonlySet<TcpStack>): number | null {
  let sum = 0;
  for (const { limits } of stacks) sum += limits.maxActiveTcp ?? Number.POSITIVE_INFINITY;
  return stacks.size > 0 && Number.isFinite(sum) ? sum : null;
}

/** A program may throw anything, also an object whose members throw. */
function thrownText(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : show(error);
  } catch {
    return 'an error that has no text';
  }
}

function textOf({ code, cause }: Fault): string {
  const text = errorText(code);
  return cause === undefined || code === ErrorCode.ERR_OK ? text : `${text} (${cause.message})`;
}

/**
 * Starts the monitor of this thread. If one runs, it is returned, and the options have no effect.
 * @throws TypeError, RangeError for options out of range.
 */
export function startMonitor(options: MonitorOptions = {}): Monitor {
  running ??= new Monitor(options);
  return running;
}
