/**
 * LinkKeeper, one policy for an outgoing link that must stay up: it connects, watches the connection, and
 * connects again after each failure, with exponential backoff and full jitter.
 *
 * States: ended → connecting → up → waiting → connecting …; any of them → ended, by `end`, by the signal, or
 * because the link gives up. `#enter` alone changes the state.
 */
import { AsyncClient, canConnect, coreOf } from '../asynctcp/async-client.js';
import { harmless } from '../asynctcp/flush-waiters.js';
import { takeHandler } from '../asynctcp/handlers.js';
import type { TcpStack } from '../port/tcp-stack.js';
import { runTicks } from '../support/callback-scope.js';
import { holdProcess } from '../support/clock.js';
import { isError } from '../support/realm.js';
import { Timer } from '../support/timers.js';
import { CallbackKind } from '../task/callback-kind.js';
import { call2, call3, type CallbackOwner } from '../task/dispatch.js';
import { backoffMs } from './link-backoff.js';
import { LinkConnection } from './link-connection.js';
import {
  checkLink,
  checkLinkEnd,
  type LinkEndOptions,
  type LinkOptions,
  type LinkSettings,
} from './link-options.js';
import {
  registerLink,
  unregisterLink,
  type LinkFailure,
  type LinkReport,
  type LinkState,
  type ReportingLink,
} from './link-report.js';

/**
 * Called when the link is up: `client` is connected, its handlers are free. While a promise that the handler
 * returned is pending, data waits for a data handler. An exception or a rejection resets the connection and
 * counts as a failure of the link, with the reason `handler`.
 */
export type UpHandler = (client: AsyncClient, link: LinkKeeper) => unknown;
/** Called when a link that was up has lost its connection, after the client's `onDisconnect`. */
export type DownHandler = (failure: LinkFailure, link: LinkKeeper) => unknown;
/** Called when the next attempt is due in `delayMs` milliseconds, after a loss or an attempt that failed. */
export type RetryHandler = (failure: LinkFailure, delayMs: number, link: LinkKeeper) => unknown;
/** Called after `giveUpAfter` failures in a row, with the last one. `start` begins anew. */
export type GiveUpHandler = (failure: LinkFailure, link: LinkKeeper) => unknown;

/** Figures of a link since it was made. */
export interface LinkStatistics {
  /** Attempts to connect. */
  readonly attempts: number;
  /** Times that the link came up. */
  readonly ups: number;
  /** Times that it was lost after it was up. */
  readonly losses: number;
  /** Failures since the last connection that was up for `stableAfterMs`. */
  readonly failuresInRow: number;
  /** Milliseconds for which the link was up, the present connection included. */
  readonly upMs: number;
  /** Bytes received, over all connections. */
  readonly bytesIn: number;
  /** Bytes sent, over all connections. */
  readonly bytesOut: number;
}

/**
 * An outgoing link that stays up. Each attempt has a client of its own, so that nothing that was meant for a
 * lost connection gets into the next one; all handlers of the client are the program's.
 *
 * No method calls a callback before it returns, and every method may be called in every callback. A fault of
 * the network never throws. The link keeps the process alive from `start` to `end`, unless `unref` is called.
 */
export class LinkKeeper implements ReportingLink {
  readonly #settings: LinkSettings;
  readonly #stack: TcpStack;
  readonly #timer = new Timer({
    due: () => {
      this.#connect();
    },
  });
  #onUp: UpHandler | undefined;
  #onDown: DownHandler | undefined;
  #onRetry: RetryHandler | undefined;
  #onGiveUp: GiveUpHandler | undefined;

  #state: LinkState = 'ended';
  #sinceMs: number;
  /** Milliseconds of the present or the last wait. */
  #delayMs = 0;
  #connection: LinkConnection | undefined;
  /** Resolves the promises of `end`, from its call up to the end of the connection. */
  #ending: (() => void)[] | undefined;
  /** Number of the present phase: a handler that ends or starts the link begins another one. */
  #phase = 0;
  #keepsAlive = true;
  #release: (() => void) | undefined;

  #attempts = 0;
  #ups = 0;
  #losses = 0;
  #failuresInRow = 0;
  #lastFailure: LinkFailure | undefined;
  /** Sums over the connections that are over. */
  #upMs = 0;
  #bytesIn = 0;
  #bytesOut = 0;

  /**
   * Makes a link, which `start` connects.
   * @param host a name or an IP address; a name is looked up at each attempt.
   * @param port 1 to 65535.
   * @throws TypeError, RangeError for an argument that is not valid, for a stack that is unknown or lacks a
   *   required capability, and for addresses that can never work together.
   */
  constructor(host: string, port: number, options: LinkOptions = {}) {
    this.#settings = checkLink(host, port, options);
    const client = new AsyncClient(this.#settings.client);
    if (!canConnect(client, host, port, this.#settings.connect)) {
      throw new RangeError('host, localAddress and family must be of one family that the stack has');
    }
    this.#stack = coreOf(client).admission.stack;
    this.#sinceMs = this.#stack.clock.nowMs();
  }

  /** The name that the program gave, or `host:port`. */
  get name(): string {
    return this.#settings.name;
  }

  /** The connected client; `undefined` unless the link is up. */
  get client(): AsyncClient | undefined {
    return this.#state === 'up' ? this.#connection?.client : undefined;
  }

  /** State of the link; `ended` before `start`. */
  get state(): LinkState {
    return this.#state;
  }

  // ---- handlers: a setter replaces the former handler, `undefined` removes it; other values throw a
  // TypeError

  /** Sets the handler for a connection that is up. */
  onUp(handler: UpHandler | undefined): void {
    this.#onUp = takeHandler('onUp', handler);
  }

  /** Sets the handler for the end of a connection that was up. It comes once for each `onUp`. */
  onDown(handler: DownHandler | undefined): void {
    this.#onDown = takeHandler('onDown', handler);
  }

  /** Sets the handler for the wait before each further attempt. */
  onRetry(handler: RetryHandler | undefined): void {
    this.#onRetry = takeHandler('onRetry', handler);
  }

  /** Sets the handler for the end of all attempts, by `giveUpAfter`. */
  onGiveUp(handler: GiveUpHandler | undefined): void {
    this.#onGiveUp = takeHandler('onGiveUp', handler);
  }

  // ---- the life

  /**
   * Begins to connect, at once. Also begins anew after `end`, and after the link gave up. Without effect
   * while the link runs, and once the signal is aborted.
   */
  start(): void {
    const { signal } = this.#settings;
    if (this.#state !== 'ended' || signal?.aborted === true) return;
    this.#failuresInRow = 0;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    registerLink(this);
    this.#connect();
  }

  /**
   * Ends the link: no further attempt follows.
   * @returns a promise that resolves when the client is over, after its `onDisconnect` and after `onDown`; at
   *   once if there is none, and with `leave`.
   * @throws TypeError, RangeError for options out of range.
   */
  end(options: LinkEndOptions = {}): Promise<void> {
    const { client, withinMs } = checkLinkEnd(options);
    const connection = this.#connection;
    if (connection === undefined) {
      this.#enterEnded();
      this.#finishEnd(this.#takeEnding());
      return Promise.resolve();
    }
    if (client === 'leave' && this.#state === 'up') {
      connection.leave();
      this.#account(connection);
      this.#enterEnded();
      this.#finishEnd(this.#takeEnding());
      return Promise.resolve();
    }
    const ended = new Promise<void>((resolve) => {
      (this.#ending ??= []).push(resolve);
    });
    if (client === 'abort') connection.session.abort();
    else if (client === 'drain') void harmless(connection.client.drain());
    else connection.client.close();
    if (withinMs !== undefined) connection.session.endWithin(withinMs);
    return ended;
  }

  /** Ends the link at the end of a block that has `await using link = new LinkKeeper(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  readonly #onAbort = (): void => {
    void this.end({ client: 'abort' });
  };

  #connect(): void {
    const connection: LinkConnection = new LinkConnection(this.#settings, this.#stack, {
      onUp: () => this.#up(connection),
      onOver: (failure) => {
        this.#over(connection, failure);
      },
    });
    this.#connection = connection;
    this.#attempts += 1;
    this.#enter('connecting');
    connection.begin(this.#keepsAlive);
  }

  #up(connection: LinkConnection): unknown {
    this.#ups += 1;
    this.#enter('up');
    const handler = this.#onUp;
    if (handler === undefined) return undefined;
    const failed = (error: unknown): void => {
      const text = isError(error) ? error.message : String(error);
      connection.fail({ reason: 'handler', text, error: isError(error) ? error : new Error(text) });
    };
    try {
      const returned = handler(connection.client, this);
      const isPromise = typeof returned === 'object' && returned !== null && 'then' in returned;
      return isPromise ? Promise.resolve(returned).then(() => undefined, failed) : undefined;
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  #over(connection: LinkConnection, failure: LinkFailure): void {
    const upMs = connection.upMs();
    this.#account(connection);
    const ending = this.#takeEnding();
    if (upMs !== undefined) this.#losses += ending === undefined ? 1 : 0;
    if (ending !== undefined) {
      this.#enterEnded();
    } else {
      if (upMs !== undefined && upMs >= this.#settings.stableAfterMs) this.#failuresInRow = 0;
      this.#failuresInRow += 1;
      this.#lastFailure = failure;
      this.#waitOrGiveUp();
    }
    this.#report(connection, failure, upMs !== undefined, ending !== undefined);
    if (ending !== undefined) this.#finishEnd(ending);
  }

  /** Returns what `end` waits for, once: a handler that runs from here on may start and end the link anew. */
  #takeEnding(): (() => void)[] | undefined {
    const ending = this.#ending;
    this.#ending = undefined;
    return ending;
  }

  /** Adds the figures of a connection that is over to the sums. */
  #account(connection: LinkConnection): void {
    this.#connection = undefined;
    this.#upMs += connection.upMs() ?? 0;
    this.#bytesIn += connection.session.bytesIn;
    this.#bytesOut += connection.session.bytesOut;
  }

  #waitOrGiveUp(): void {
    const { backoff, giveUpAfter, random } = this.#settings;
    if (this.#failuresInRow >= giveUpAfter) {
      this.#enterEnded();
      return;
    }
    this.#enter('waiting');
    this.#delayMs = backoffMs(backoff, this.#failuresInRow, random);
    this.#stack.timers.arm(this.#timer, this.#sinceMs + this.#delayMs);
  }

  /** Calls the program's handlers. Each of them may end the link. */
  #report(connection: LinkConnection, failure: LinkFailure, wasUp: boolean, isEnding: boolean): void {
    const phase = this.#phase;
    const owner: CallbackOwner = {
      callbackThrew: () => undefined,
      report: () => connection.session.report(),
    };
    runTicks();
    if (wasUp && this.#onDown !== undefined) {
      call2(owner, CallbackKind.DISCONNECT, this.#onDown, failure, this);
      runTicks();
    }
    if (this.#phase !== phase || isEnding) return;
    if (this.#state === 'ended') {
      if (this.#onGiveUp !== undefined) call2(owner, CallbackKind.DISCONNECT, this.#onGiveUp, failure, this);
    } else if (this.#onRetry !== undefined) {
      call3(owner, CallbackKind.DISCONNECT, this.#onRetry, failure, this.#delayMs, this);
    }
  }

  #enter(state: LinkState): void {
    this.#state = state;
    this.#phase += 1;
    this.#sinceMs = this.#stack.clock.nowMs();
    this.#holdOrRelease();
  }

  #enterEnded(): void {
    this.#stack.timers.disarm(this.#timer);
    this.#settings.signal?.removeEventListener('abort', this.#onAbort);
    if (this.#state === 'ended') this.#phase += 1;
    else this.#enter('ended');
  }

  #finishEnd(ending: readonly (() => void)[] | undefined): void {
    // A handler may have started the link anew.
    if (this.#state === 'ended') unregisterLink(this);
    for (const resolve of ending ?? []) resolve();
  }

  // ---- the process

  /** Lets the link keep the process alive. The default. */
  ref(): void {
    this.#setKeepsAlive(true);
  }

  /** Lets the process end although the link is up, connects or waits. */
  unref(): void {
    this.#setKeepsAlive(false);
  }

  #setKeepsAlive(on: boolean): void {
    this.#keepsAlive = on;
    if (on) this.#connection?.client.ref();
    else this.#connection?.client.unref();
    this.#holdOrRelease();
  }

  /** Holds the process while the link waits: its timer alone would not. */
  #holdOrRelease(): void {
    const holds = this.#state === 'waiting' && this.#keepsAlive && !this.#stack.capabilities.virtualTime;
    if (holds) {
      this.#release ??= holdProcess();
    } else {
      this.#release?.();
      this.#release = undefined;
    }
  }

  // ---- what it is

  /** Returns the link's report at this moment, as `Monitor` shows it. */
  report(): LinkReport {
    const { name, host, port } = this.#settings;
    return {
      name,
      host,
      port,
      state: this.#state,
      sinceMs: this.#sinceMs,
      retryAtMs: this.#state === 'waiting' ? this.#sinceMs + this.#delayMs : undefined,
      attempts: this.#attempts,
      ups: this.#ups,
      losses: this.#losses,
      lastFailure: this.#lastFailure,
    };
  }

  /** Returns the figures of the link at this moment. */
  statistics(): LinkStatistics {
    const connection = this.#connection;
    return {
      attempts: this.#attempts,
      ups: this.#ups,
      losses: this.#losses,
      failuresInRow: this.#failuresInRow,
      upMs: this.#upMs + (connection?.upMs() ?? 0),
      bytesIn: this.#bytesIn + (connection?.session.bytesIn ?? 0),
      bytesOut: this.#bytesOut + (connection?.session.bytesOut ?? 0),
    };
  }
}
