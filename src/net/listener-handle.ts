/**
 * A listener of asynctcp where net.js expects its native TCP handle. `listen` opens an AsyncServer; each
 * accepted client becomes a `TcpHandle`, which net.js makes a socket of.
 */
import { AsyncResource } from 'node:async_hooks';
import { AsyncServer, drainServerBy, openServer, type Opened } from '../asynctcp/async-server.js';
import type { AsyncClient } from '../asynctcp/async-client.js';
import type { Preamble } from '../asynctcp/preamble.js';
import type { StackOption } from '../asynctcp/stack-choice.js';
import { TcpError } from '../asynctcp/tcp-error.js';
import type { Fault } from '../port/tcp-stack.js';
import { throwUncaught } from '../support/uncaught.js';
import { errnoNamed, errnoOf } from './node-errors.js';
import { isFunction } from './node-parts.js';
import { parts } from './parts.js';
import { fillAddress } from './handle-address.js';
import { TcpHandle } from './tcp-handle.js';

const EINVAL = errnoNamed('EINVAL');

/** Type of a native TCP handle that listens. */
const SERVER = 1;

/** The context in which this module is loaded: no request's. */
const root = new AsyncResource('asynctcp');

/** net.js's own default. */
const DEFAULT_BACKLOG = 511;
const MAX_BACKLOG = 65_535;

function faultOf({ code, cause }: TcpError): Fault {
  return { code, cause: cause instanceof Error ? cause : undefined };
}

export interface ListenPlace {
  /** `undefined`: every address of the machine, IPv6 and IPv4. */
  readonly address: string | undefined;
  readonly port: number;
  readonly reusePort: boolean;
  readonly stack: StackOption | undefined;
  /** Bytes that an accepted connection sends before it is a client. */
  readonly preamble: Preamble | undefined;
  /** Makes the socket of an accepted connection; net.js makes those for which it returns false. */
  readonly accept: ((handle: TcpHandle) => boolean) | undefined;
  /** Drains the server; `reset` resets the connections that are left. */
  readonly drain: (withinMs: number, reset: () => Promise<void>) => Promise<void>;
}

export class ListenerHandle extends parts.Tcp {
  // Fields that net.js, or a user of it, reads and writes.
  reading = false;
  onread: unknown = undefined;
  onconnection: unknown = undefined;
  bytesRead = 0;
  bytesWritten = 0;

  readonly #place: ListenPlace;
  readonly #resource = new AsyncResource('TCPSERVERWRAP');
  #server: AsyncServer | undefined;
  #opened: Opened | undefined;
  /** libuv's number of the error that `open` met; 0 without one. */
  #errno = 0;
  #keepsAlive = true;
  #isClosed = false;

  constructor(place: ListenPlace) {
    super(SERVER);
    this.#place = place;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Begins to listen.
   * @param onKnown called later, unless the handle is closed before, if the stack does not know at once where
   *   it listens, or that it does not.
   * @returns false if `onKnown` follows.
   */
  open(backlog: number | undefined, onKnown: () => void): boolean {
    const { address, port, reusePort, stack, preamble } = this.#place;
    const options = {
      backlog: Math.min(backlog === undefined || backlog < 1 ? DEFAULT_BACKLOG : backlog, MAX_BACKLOG),
      reusePort,
      preamble,
      ...(stack === undefined ? {} : { stack }),
    };
    const server =
      address === undefined ? new AsyncServer(port, options) : new AsyncServer(address, port, options);
    server.onClient((client) => {
      this.#accept(client);
    });
    drainServerBy(server, (withinMs) => this.#place.drain(withinMs, () => server.end({ clients: 'abort' })));
    if (!this.#keepsAlive) server.unref();
    const opened = openServer(server);
    if ('code' in opened) {
      this.#errno = errnoOf(opened);
      return true;
    }
    this.#server = server;
    this.#opened = opened;
    const isKnown = opened.local.port !== 0;
    const known = (): void => {
      if (!isKnown && !this.#isClosed) onKnown();
    };
    opened.started.then(known, (error: unknown) => {
      this.#errno = error instanceof TcpError ? errnoOf(faultOf(error)) : EINVAL;
      known();
    });
    return isKnown;
  }

  /** Called by net.js when `open` has begun. Returns 0, or libuv's number of the error. */
  listen(): number {
    return this.#errno;
  }

  #accept(client: AsyncClient): void {
    const isMapped = this.#place.address === undefined;
    // As in Node, a connection does not inherit the context in which its server listens.
    const handle = root.runInAsyncScope(() => new TcpHandle(this.#place.stack));
    handle.accept(client, isMapped);
    try {
      this.#resource.runInAsyncScope(() => {
        if (this.#place.accept?.(handle) === true) return;
        if (isFunction(this.onconnection)) Reflect.apply(this.onconnection, this, [0, handle]);
      }, undefined);
    } catch (error) {
      // As in Node, an exception is uncaught and leaves the connection alive.
      throwUncaught(error);
    }
    handle.accepted();
  }

  getAsyncId(): number {
    return this.#resource.asyncId();
  }

  getProviderType(): number {
    return 0;
  }

  get fd(): number {
    return -1;
  }

  getsockname(out: { address?: string; family?: string; port?: number }): number {
    if (this.#opened === undefined) return EINVAL;
    fillAddress(out, this.#opened.local, false);
    return 0;
  }

  hasRef(): boolean {
    return this.#keepsAlive && !this.#isClosed;
  }

  ref(): void {
    this.#keepsAlive = true;
    this.#server?.ref();
  }

  unref(): void {
    this.#keepsAlive = false;
    this.#server?.unref();
  }

  override close(closed?: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#server?.end();
    super.close(() => {
      if (isFunction(closed)) this.#resource.runInAsyncScope(closed, undefined);
    });
  }
}
