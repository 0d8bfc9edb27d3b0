/// <reference lib="esnext.disposable" preserve="true" />
/** AsyncServer: AsyncTCP's listener. Each accepted connection is an AsyncClient, given to `onClient`. */
import { TcpState } from '../port/tcp-state.js';
import type { Capabilities } from '../port/capabilities.js';
import type {
  Connection,
  ConnectionEvents,
  Endpoint,
  Fault,
  Listener,
  ListenerEvents,
  ListenTarget,
} from '../port/tcp-stack.js';
import { assert } from '../support/assert.js';
import { Timer } from '../support/timers.js';
import { warn } from '../support/warn.js';
import { CallbackKind } from '../task/callback-kind.js';
import type { ListenPlace } from '../task/task-group.js';
import { acceptedSession, type AsyncClient, type ClientHandler } from './async-client.js';
import { checkAddress, checkBoolean, checkInteger, checkPort, checkReceiveWindow, show } from './check.js';
import type { Admission } from './admission.js';
import { initialSettings, type AcceptedSettings } from './client-settings.js';
import { takeHandler } from './handlers.js';
import { observer, type ObservedListener } from './observer.js';
import {
  Arrival,
  beginPreamble,
  checkPreamble,
  type ArrivalOwner,
  type Preamble,
  type PreambleReader,
} from './preamble.js';
import { checkRequired, type RequiredCapabilities } from './required.js';
import { checkDefaults, checkEnd, type ClientDefaults, type ServerEndOptions } from './server-options.js';
import { Session, type ClientKeeper } from './session.js';
import { chooseStack, type StackOption } from './stack-choice.js';
import { taskGroup } from './task-use.js';
import { registerSocketUser, socketUsers, unregisterSocketUser } from './thread-registry.js';
import { errorText, tcpError } from './tcp-error.js';

/** Linux cuts larger backlogs down to `net.core.somaxconn` anyway. */
const MAX_BACKLOG = 65_535;

/** Time, in milliseconds, for the FINs of clients that have not ended while their server's task drained. */
const LAST_DRAIN_MS = 1000;

/** Options of a new server. */
export interface ServerOptions {
  /** Stack that carries the bytes. Default: the configuration's `CONFIG_ASYNC_TCP_STACK`. */
  stack?: StackOption;
  /** IP address to listen on. Default: every address of the machine, IPv6 and IPv4. */
  address?: string;
  /** Connections that may wait to be accepted, 1 to 65535. Default: the system's usual number. */
  backlog?: number;
  /**
   * True: shares the port with other listeners that set `reusePort` too. Needs the stack's capability
   * `reusePort`. Default false.
   */
  reusePort?: boolean;
  /**
   * Most clients of this server at once; further connections are refused. A client that closes does not
   * count. Default: no limit but the stack's.
   */
  maxClients?: number;
  /**
   * Bytes that an accepted connection has to send before it is a client, such as the header of the PROXY
   * protocol (`proxyProtocol` of `asynctcp/gateway`). Until then the connection counts against `maxClients`,
   * and is reset when the preamble's time is over. Default: none.
   */
  preamble?: Preamble | undefined;
  /** Receive window of the server's clients, 1024 to 1073741824 bytes. Default: the stack's. */
  receiveWindow?: number;
  /**
   * Capabilities that the stack must have, such as `{ acknowledgement: 'peer' }`. The constructor throws a
   * RangeError if the stack lacks one.
   */
  require?: RequiredCapabilities;
}

/** Ends the clients of a server of another API, which stands on an AsyncServer, within the milliseconds. */
export type DrainServer = (withinMs: number) => Promise<void>;

interface ListeningBase extends ObservedListener {
  /** The place that the tasks of a group share. */
  readonly place: ListenPlace | undefined;
  readonly started: Promise<void>;
  /** Resolves `started` when the program ends the server before the server listens. */
  readonly giveUp: () => void;
}

/** With a fault the listener could not be opened: `started` is about to be rejected. */
type ListenOutcome =
  | { readonly listener: Listener; readonly fault: undefined }
  | { readonly listener: undefined; readonly fault: Fault };

type Listening = ListeningBase & ListenOutcome;

/** A listener that was just opened. */
export interface Opened {
  /** The listener's end; port 0 until the system reports it. */
  readonly local: Endpoint;
  /** Resolves as the promise of `begin`. */
  readonly started: Promise<void>;
}

/**
 * Begins to listen, and returns the listener, or the fault if that failed at once: for servers of another
 * API, whose port is known when their `listen` returns.
 */
export let openServer: (server: AsyncServer) => Opened | Fault;

/**
 * Sets the function that drains a server whose task ends, in place of the server's own, which stops
 * listening, leaves its clients alone for the given time, and drains those that are left then.
 */
export let drainServerBy: (server: AsyncServer, drain: DrainServer) => void;

/** Listens on a port and makes an AsyncClient of every connection. */
export class AsyncServer {
  static {
    openServer = (server) => server.#open();
    drainServerBy = (server, drain) => {
      server.#drain = drain;
    };
  }

  readonly #admission: Admission;
  readonly #port: number;
  readonly #address: string | undefined;
  readonly #backlog: number | undefined;
  readonly #reusePort: boolean;
  readonly #maxClients: number;
  readonly #receiveWindow: number | undefined;
  readonly #preamble: Preamble | undefined;
  #onClient: ClientHandler | undefined;
  #defaults: AcceptedSettings;
  #keepsAlive = true;
  /** Clients that have not ended. */
  #clients = 0;
  /** Clients that have not ended and do not close, and connections whose preamble is not complete. */
  #places = 0;
  #listening: Listening | undefined;
  #drain: DrainServer = (withinMs) => this.#drainLate(withinMs);
  /** One object for all clients: an idle connection costs no closure. */
  readonly #keeper: ClientKeeper = {
    isServer: true,
    onPlaceFreed: () => {
      this.#places -= 1;
      assert(this.#places >= 0, 'a server loses no more clients than it had');
    },
    onLeft: () => {
      this.#clients -= 1;
    },
  };
  /** As the keeper, one object for all connections. */
  readonly #arrivals: ArrivalOwner<AsyncClient> = {
    onArrived: (session) => {
      this.#clients += 1;
      if (this.#onClient === undefined) session.abort();
      else session.greet(CallbackKind.CLIENT, this.#onClient);
    },
    onRefused: () => {
      this.#admission.refuse(this.#listening);
    },
  };
  #ready = false;
  #warnedOfAcceptFault = false;

  /**
   * Makes a server that does not listen yet.
   * @param port 0 to 65535; 0: the system chooses, and `port()` returns its choice.
   * @throws TypeError, RangeError for a port, an address or an option that is not valid, and for an option
   *   that the stack cannot meet.
   */
  constructor(port: number, options?: ServerOptions);
  constructor(address: string, port: number, options?: ServerOptions);
  constructor(first: number | string, second?: number | ServerOptions, third?: ServerOptions) {
    const isAddress = typeof first === 'string';
    const given = (isAddress ? third : second) ?? {};
    if (typeof given !== 'object') throw new TypeError(`options must be an object, not ${show(given)}`);
    const options = isAddress ? { ...given, address: first } : given;
    this.#port = checkPort('port', isAddress ? second : first);
    this.#address = options.address === undefined ? undefined : checkAddress('address', options.address);
    this.#backlog =
      options.backlog === undefined ? undefined : checkInteger('backlog', options.backlog, 1, MAX_BACKLOG);
    this.#reusePort = checkBoolean('reusePort', options.reusePort ?? false);
    this.#maxClients =
      options.maxClients === undefined
        ? Number.POSITIVE_INFINITY
        : checkInteger('maxClients', options.maxClients, 1, Number.MAX_SAFE_INTEGER);
    this.#receiveWindow = checkReceiveWindow(options.receiveWindow);
    this.#preamble = checkPreamble(options.preamble);
    this.#admission = chooseStack(options.stack);
    this.#defaults = { ...initialSettings(), noDelay: false };
    checkRequired(options.require, this.#admission.stack);
    const { name, capabilities } = this.#admission.stack;
    if (this.#reusePort && !capabilities.reusePort) {
      throw new RangeError(
        `reusePort must be false on the ${name} stack of this runtime, which cannot share a port`,
      );
    }
    if (taskGroup() !== undefined && !capabilities.reusePort && !capabilities.virtualTime) {
      throw new RangeError(
        `tasks cannot share a port on the ${name} stack of this runtime: the stack kernel can, and node can ` +
          'on Linux with Node 22.12, 23.1 and newer',
      );
    }
  }

  /**
   * Sets the handler for accepted clients, which are connected already. Without a handler connections are
   * refused. While a promise that the handler returned is pending, the client's data waits until `onData` or
   * `onPacket` is set; a rejected promise aborts the client.
   */
  onClient(handler: ClientHandler | undefined): void {
    this.#onClient = takeHandler('onClient', handler);
  }

  /**
   * Begins to listen. Harmless if the server listens already.
   * @returns a promise that resolves when the server listens, or when `end` was called before: `status()`
   *   tells the two cases apart.
   * @throws TcpError (as a rejection) if the address cannot be bound: `ERR_USE`, `ERR_VAL`, ….
   */
  async begin(): Promise<void> {
    this.#listening ??= this.#listen();
    return this.#listening.started;
  }

  /**
   * Stops listening at once, and ends the clients as the options say, also if the server does not listen.
   * Connections whose preamble is not complete are reset. `begin` may follow directly.
   * @returns a promise that resolves when the port is free and the clients that the options end have ended.
   * @throws TypeError, RangeError (as a rejection) for options out of range.
   */
  async end(options: ServerEndOptions = {}): Promise<void> {
    const { clients, withinMs } = checkEnd(options);
    const stopped = this.#stopListening();
    if (this.#preamble !== undefined) {
      for (const session of this.#sessions()) if (session.isArriving) session.failArrival('serverEnded');
    }
    const sessions = clients === 'leave' ? [] : this.#sessions();
    const over = sessions.map((session) => session.over());
    for (const session of sessions) {
      if (clients === 'abort') session.abort('serverEnded');
      else if (clients === 'drain') void session.drain('serverEnded');
      else session.close('serverEnded');
      if (withinMs !== undefined) session.endWithin(withinMs);
    }
    await Promise.all([stopped, ...over]);
  }

  async #drainLate(withinMs: number): Promise<void> {
    await this.#stopListening();
    const { clock, timers } = this.#admission.stack;
    await new Promise<void>((resolve) => {
      const due = (): void => {
        resolve();
      };
      const limit = new Timer({ due });
      timers.arm(limit, clock.nowMs() + withinMs);
      void Promise.all(this.#sessions().map((session) => session.over())).then(() => {
        timers.disarm(limit);
        resolve();
      });
    });
    await this.end({ clients: 'drain', withinMs: LAST_DRAIN_MS });
  }

  async #stopListening(): Promise<void> {
    const listening = this.#listening;
    if (listening === undefined) return;
    this.#listening = undefined;
    this.#ready = false;
    unregisterSocketUser(listening);
    observer?.onStopped(listening);
    listening.listener?.close();
    listening.place?.ends();
    listening.giveUp();
    await new Promise<void>((resolve) => {
      this.#admission.stack.post(resolve);
    });
  }

  /** Returns the server's clients that have not ended at this moment, the oldest first. */
  clients(): Iterable<AsyncClient> {
    return this.#sessions()
      .filter(({ isArriving }) => !isArriving)
      .map(({ core }) => core.client);
  }

  /** Returns the number of the server's clients that have not ended. */
  count(): number {
    return this.#clients;
  }

  /** Searches all sockets of the thread: a list of the server's own would cost memory for each client. */
  #sessions(): Session<AsyncClient>[] {
    return socketUsers().filter(
      (user): user is Session<AsyncClient> => user instanceof Session && user.keeper === this.#keeper,
    );
  }

  /** Capabilities of the server's stack. */
  get capabilities(): Capabilities {
    return this.#admission.stack.capabilities;
  }

  /** Returns `LISTEN` or `CLOSED`. */
  status(): TcpState {
    return this.#ready ? TcpState.LISTEN : TcpState.CLOSED;
  }

  /** Returns the port that the server listens on; while it does not listen, the constructor's. */
  port(): number {
    return this.#local()?.port ?? this.#port;
  }

  #local(): Endpoint | undefined {
    return this.#ready ? this.#listening?.listener?.local : undefined;
  }

  /**
   * Returns the address that the server listens on, in text form; while it does not listen, the
   * constructor's, `::` for every address.
   */
  address(): string {
    return this.#local()?.address ?? this.#address ?? '::';
  }

  /**
   * Sets the initial settings of clients that are accepted from now on. Settings that are left out stay as
   * they are.
   * @throws TypeError, RangeError for values that the client's setters would refuse.
   */
  defaults(settings: ClientDefaults): void {
    this.#defaults = { ...this.#defaults, ...checkDefaults(settings) };
  }

  /** Calls `defaults({ noDelay })`. Default false. */
  setNoDelay(on: boolean): void {
    this.defaults({ noDelay: checkBoolean('setNoDelay', on) });
  }

  /** Returns the setting of `setNoDelay`. */
  getNoDelay(): boolean {
    return this.#defaults.noDelay;
  }

  /** Lets listening keep the process alive. The default. */
  ref(): void {
    this.#setKeepsAlive(true);
  }

  /** Lets the process end although the server listens; its clients still keep the process alive. */
  unref(): void {
    this.#setKeepsAlive(false);
  }

  /** Ends the server at the end of a block that has `await using server = …`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #setKeepsAlive(on: boolean): void {
    this.#keepsAlive = on;
    this.#listening?.listener?.setKeepsAlive(on);
  }

  #open(): Opened | Fault {
    const listening = (this.#listening ??= this.#listen());
    const { listener, started } = listening;
    if (listener !== undefined) {
      return {
        get local() {
          return listener.local;
        },
        started,
      };
    }
    // The fault is returned: nothing is reported later.
    started.catch(() => undefined);
    return listening.fault;
  }

  #listen(): Listening {
    let resolve = (): void => undefined;
    let reject: (reason: Error) => void = () => undefined;
    const started = new Promise<void>((onStarted, onFailed) => {
      resolve = onStarted;
      reject = onFailed;
    });
    const fail = (fault: Fault): void => {
      unregisterSocketUser(listening);
      this.#listening = undefined;
      observer?.onListenFailed(listening, fault);
      place?.ends();
      reject(tcpError(`listen on ${this.#address ?? 'every address'} port ${this.#port}`, fault));
    };
    const { stack } = this.#admission;
    // Clients and servers in virtual time are no business of other tasks.
    const place = stack.capabilities.virtualTime ? undefined : taskGroup()?.place(this.#address, this.#port);
    const listens = (): void => {
      if (this.#ready) return;
      this.#ready = true;
      const { listener: open } = listening;
      if (open !== undefined) place?.listens(open.local.port, (descriptor) => acceptAlso(open, descriptor));
      observer?.onListening(listening);
      resolve();
    };
    const events: ListenerEvents = {
      onListening: listens,
      onFailed: fail,
      onAccepted: (connection) => {
        // A stack may report a first connection before its own event that it listens.
        listens();
        return this.#accept(connection);
      },
      onAcceptFailed: (fault) => {
        this.#acceptFailed(listening, fault);
      },
    };
    const opened = stack.listen(this.#target(place), events);
    const outcome = outcomeOf(opened);
    const { listener } = outcome;
    listener?.setKeepsAlive(this.#keepsAlive);
    const listening: Listening = {
      stack,
      ...outcome,
      started,
      place,
      giveUp: resolve,
      drainServer: (withinMs) => this.#drain(withinMs),
      keeper: this.#keeper,
      maxClients: this.#maxClients,
      address: () => this.address(),
      port: () => this.port(),
      isReady: () => this.#ready && this.#listening === listening,
      hasHandler: () => this.#onClient !== undefined,
      clients: () => this.#clients,
      places: () => this.#places,
      unacknowledged: () => 0,
      next: undefined,
      previous: undefined,
      reset: () => {
        listener?.close();
      },
    };
    registerSocketUser(listening);
    // `begin` is rejected later, as for a fault that the system reports later.
    if ('code' in opened) {
      stack.post(() => {
        if (this.#listening === listening) fail(opened);
      });
    }
    return listening;
  }

  #target(place: ListenPlace | undefined): ListenTarget {
    return {
      address: this.#address,
      port: place?.port ?? this.#port,
      backlog: this.#backlog,
      reusePort: this.#reusePort || place !== undefined,
      receiveWindowBytes: this.#receiveWindow,
      handover: place,
    };
  }

  #accept(connection: Connection): ConnectionEvents | undefined {
    const onClient = this.#onClient;
    if (onClient === undefined || this.#places >= this.#maxClients) {
      this.#admission.refuse(this.#listening);
      return undefined;
    }
    const preamble = this.#preamble === undefined ? 'none' : beginPreamble(this.#preamble, connection);
    if (preamble === 'refuse') {
      this.#admission.refuse(this.#listening);
      return undefined;
    }
    if (!this.#admission.admit(this.#listening)) return undefined;
    this.#places += 1;
    if (preamble !== 'none') return this.#await(connection, preamble);
    this.#clients += 1;
    const session = acceptedSession(this.#admission.stack, connection, this.#defaults, this.#keeper);
    session.greet(CallbackKind.CLIENT, onClient);
    return session;
  }

  /** Lets a connection become a client when its preamble is complete. */
  #await(connection: Connection, reader: PreambleReader): ConnectionEvents {
    const { stack } = this.#admission;
    const deadlineMs = stack.clock.nowMs() + (this.#preamble?.timeoutMs ?? 0);
    const arrival = new Arrival(reader, deadlineMs, this.#arrivals);
    return acceptedSession(stack, connection, this.#defaults, this.#keeper, arrival);
  }

  /** Warns once: a machine out of descriptors fails to accept many connections, and each would be a line. */
  #acceptFailed(listening: Listening, fault: Fault): void {
    observer?.onAcceptFailed(listening, fault);
    if (this.#warnedOfAcceptFault) return;
    this.#warnedOfAcceptFault = true;
    warn(
      `port ${this.port()} cannot accept a connection: ${errorText(fault.code)} (${fault.cause?.message ?? 'no details'}); listening goes on`,
    );
  }
}

function outcomeOf(opened: Listener | Fault): ListenOutcome {
  if ('code' in opened) return { listener: undefined, fault: opened };
  return { listener: opened, fault: undefined };
}

/** Accepts from a further socket, that of another task. Returns a function that ends this. */
function acceptAlso(listener: Listener, descriptor: number): (() => void) | undefined {
  const accepts = listener.acceptAlso?.(descriptor);
  return typeof accepts === 'function' ? accepts : undefined;
}
