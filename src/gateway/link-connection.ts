/**
 * One connection of a link, from the attempt to its end. It makes the client, hears of its end below the
 * client's handlers, which stay free for the program, and resets a connection whose peer is gone.
 *
 * Call order: `begin` → `onUp`, if the attempt succeeds → `onOver`, which comes once and last; at any time
 * `fail`, or `leave`, after which nothing comes.
 */
import { AsyncClient, connectFor } from '../asynctcp/async-client.js';
import type { DisconnectReason } from '../asynctcp/handlers.js';
import type { ClientKeeper, Session } from '../asynctcp/session.js';
import { tcpError } from '../asynctcp/tcp-error.js';
import { ErrorCode } from '../port/error-code.js';
import type { Fault, TcpStack } from '../port/tcp-stack.js';
import { assert } from '../support/assert.js';
import { Timer, type TimerOwner } from '../support/timers.js';
import { LinkWatch, type Stall } from './link-watch.js';
import type { LinkSettings } from './link-options.js';
import type { LinkFailure } from './link-report.js';

export interface LinkConnectionEvents {
  /** The attempt has succeeded. Called as the client's `onConnect`, with its meaning of the result. */
  onUp(): unknown;
  /** The connection or the attempt is over. */
  onOver(failure: LinkFailure): void;
}

/** Cause of an end that this side brought about. */
type Cause = Omit<LinkFailure, 'atMs'>;

export class LinkConnection implements ClientKeeper, TimerOwner {
  readonly client: AsyncClient;
  readonly #settings: LinkSettings;
  readonly #events: LinkConnectionEvents;
  readonly #stack: TcpStack;
  readonly #timer = new Timer(this);
  #session: Session<AsyncClient> | undefined;
  #watch: LinkWatch | undefined;
  #cause: Cause | undefined;
  /** Time at which the connection came up. */
  #upAtMs: number | undefined;
  #isLeft = false;

  constructor(settings: LinkSettings, stack: TcpStack, events: LinkConnectionEvents) {
    this.#settings = settings;
    this.#stack = stack;
    this.#events = events;
    this.client = new AsyncClient(settings.client);
  }

  get session(): Session<AsyncClient> {
    assert(this.#session !== undefined, 'the connection has begun');
    return this.#session;
  }

  /** Milliseconds for which the connection has been up; `undefined` if it never was. */
  upMs(): number | undefined {
    return this.#upAtMs === undefined ? undefined : this.#stack.clock.nowMs() - this.#upAtMs;
  }

  begin(keepsAlive: boolean): void {
    const { client } = this;
    const { host, port, connect, connectTimeoutMs } = this.#settings;
    const { rxTimeoutS, noDelay, keepAliveMs, keepAliveProbes } = this.#settings;
    client.setRxTimeout(rxTimeoutS);
    client.setNoDelay(noDelay);
    client.setKeepAlive(keepAliveMs, keepAliveProbes);
    if (!keepsAlive) client.unref();
    client.onConnect(() => this.#onConnect());
    this.#session = connectFor(this, client, host, port, { ...connect, timeoutMs: connectTimeoutMs });
    assert(this.#session !== undefined, 'the arguments of a link can work');
  }

  #onConnect(): unknown {
    const { ackTimeoutMs, stalledWriteMs } = this.#settings;
    const nowMs = this.#stack.clock.nowMs();
    // From here on the slot is the program's.
    this.client.onConnect(undefined);
    this.#upAtMs = nowMs;
    this.#watch = new LinkWatch(ackTimeoutMs, stalledWriteMs, nowMs);
    this.#arm(this.#watch);
    return this.#events.onUp();
  }

  /** Resets the connection, as a failure with this cause. Without effect after the end. */
  fail(cause: Cause, reason: DisconnectReason = 'aborted'): void {
    if (this.session.abort(reason) === ErrorCode.ERR_ABRT) this.#cause = cause;
  }

  /** Leaves the connection to the program. */
  leave(): void {
    this.#isLeft = true;
    this.#stack.timers.disarm(this.#timer);
  }

  // ---- the peer is gone, or does not read

  due(nowMs: number): void {
    const watch = this.#watch;
    if (watch === undefined) return;
    const stall = watch.look(nowMs, this.session);
    if (stall === undefined) this.#arm(watch);
    else this.fail({ reason: stall.reason, text: stallText(stall) });
  }

  #arm(watch: LinkWatch): void {
    const atMs = watch.nextMs();
    if (atMs < Number.POSITIVE_INFINITY) this.#stack.timers.arm(this.#timer, atMs);
  }

  // ---- events of the session

  /** A peer that was silent for too long is not waited for: the close would only end by its timeout. */
  onPlaceFreed(closing: DisconnectReason | undefined): void {
    if (closing !== 'rxTimeout' || this.#isLeft) return;
    this.#stack.post(() => {
      const text = `nothing came from the peer for ${this.#settings.rxTimeoutS} s`;
      this.fail({ reason: 'rxTimeout', text }, 'rxTimeout');
    });
  }

  onLeft(): void {
    this.#stack.timers.disarm(this.#timer);
  }

  onOver(reason: DisconnectReason, fault: Fault | undefined): void {
    if (this.#isLeft) return;
    const cause = this.#cause ?? this.#causeOf(reason, fault);
    this.#events.onOver({ ...cause, atMs: this.#stack.clock.nowMs() });
  }

  #causeOf(reason: DisconnectReason, fault: Fault | undefined): Cause {
    if (fault === undefined) return { reason, text: TEXTS[reason] ?? TEXTS.closed };
    const { host, port, connectTimeoutMs } = this.#settings;
    const wasUp = this.#upAtMs !== undefined;
    const error = tcpError(`${wasUp ? 'connection' : 'connect'} to ${host} port ${port}`, fault);
    if (!wasUp && fault.code === ErrorCode.ERR_TIMEOUT && fault.cause === undefined) {
      return { reason: 'connectTimeout', text: `no connection within ${connectTimeoutMs} ms`, error };
    }
    return { reason: reason === 'error' ? nameOf(fault.code) : reason, text: error.message, error };
  }
}

const TEXTS: Partial<Record<DisconnectReason, string>> & { readonly closed: string } = {
  closed: 'this side closed the connection',
  ended: 'the peer ended the connection',
  rxTimeout: 'nothing came from the peer in time',
};

/** Returns the name of a code, such as `ERR_RST`. */
function nameOf(code: ErrorCode): string {
  return Object.entries(ErrorCode).find(([, value]) => value === code)?.[0] ?? `error ${code}`;
}

function stallText({ reason, waitedMs, bytes }: Stall): string {
  const wait = `none of ${bytes} bytes was acknowledged for ${(waitedMs / 1000).toFixed(1)} s`;
  return reason === 'ackTimeout'
    ? `${wait}, and the peer's TCP was silent`
    : `${wait}: the peer does not read`;
}
