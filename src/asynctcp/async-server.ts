/// <reference lib="esnext.disposable" preserve="true" />
/** AsyncServer: AsyncTCP's listener. Each accepted connection is an AsyncClient, given to `onClient`. */
import { TcpState } from '../port/tcp-state.js';
import type { Connection, ConnectionEvents, Fault, Listener, ListenerEvents } from '../port/tcp-stack.js';
import { assert } from '../support/assert.js';
import { warn } from '../support/warn.js';
import { CallbackKind } from '../task/callback-kind.js';
import { bindHandler, call1 } from '../task/dispatch.js';
import { acceptedClient, type AsyncClient } from './async-client.js';
import { checkAddress, checkBoolean, checkHandler, checkInteger, checkPort, show } from './check.js';
import { holdsNoSocket, holdsSocket, type Holder, type Host } from './host.js';
import { chooseHost, type StackOption } from './stack-choice.js';
import { errorText, tcpError } from './tcp-error.js';

/** Gets each accepted client, which is connected. */
export type ClientHandler = (client: AsyncClient) => void;

/** Linux cuts larger backlogs down to `net.core.somaxconn` anyway. */
const MAX_BACKLOG = 65_535;

/** What a server is made with. */
export interface ServerOptions {
  /** What carries the bytes. Default: the configuration's `CONFIG_ASYNC_TCP_STACK`. */
  stack?: StackOption;
  /** IP address to listen on. Default: every address of the machine, IPv6 and IPv4. */
  address?: string;
  /** Connections that may wait to be accepted, 1 to 65535. Default: the system's usual number. */
  backlog?: number;
  /**
   * Shares the port with other listeners that say so too. Needs the stack's capability `reusePort`. Default
   * false.
   */
  reusePort?: boolean;
  /** Clients of this server at once; further connections are refused. Default: no limit but the stack's. */
  maxClients?: number;
}

interface Listening extends Holder {
  readonly listener: Listener;
  readonly started: Promise<void>;
  /** Answers `started` when the program ends the server before it listens. */
  readonly giveUp: () => void;
}

/** Listens on a port and makes an AsyncClient of every connection. */
export class AsyncServer {
  readonly #host: Host;
  readonly #port: number;
  readonly #address: string | undefined;
  readonly #backlog: number | undefined;
  readonly #reusePort: boolean;
  readonly #maxClients: number;
  #onClient: ClientHandler | undefined;
  #noDelay = false;
  #keepsAlive = true;
  #clients = 0;
  #listening: Listening | undefined;
  /** One function for all clients: an idle connection costs no closure. */
  readonly #clientOver = (): void => {
    this.#clients -= 1;
    assert(this.#clients >= 0, 'a server loses no more clients than it had');
  };
  #ready = false;
  #toldOfAcceptFault = false;

  /**
   * A server that does not listen yet.
   * @param port 0 to 65535; 0: the system chooses, and `port()` tells which.
   * @throws TypeError, RangeError for arguments that are no port, no address and so on, and for an option
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
    this.#host = chooseHost(options.stack);
    const { name, capabilities } = this.#host.stack;
    if (this.#reusePort && !capabilities.reusePort) {
      throw new RangeError(
        `reusePort must be false on the ${name} stack of this runtime, which cannot share a port`,
      );
    }
  }

  /**
   * One call for each accepted connection, which stands already. Without a handler connections are refused.
   */
  onClient(handler: ClientHandler | undefined): void {
    this.#onClient = bindHandler(checkHandler('onClient', handler));
  }

  /**
   * Begins to listen, and resolves when it does, or when `end` came first: `status()` tells which. Harmless
   * when it listens already.
   * @throws TcpError (as a rejection) when the address cannot be bound: `ERR_USE`, `ERR_VAL`, ….
   */
  async begin(): Promise<void> {
    this.#listening ??= this.#listen();
    return this.#listening.started;
  }

  /**
   * Stops listening at once; clients go on. `begin` may follow directly. Harmless when it does not listen.
   */
  async end(): Promise<void> {
    const listening = this.#listening;
    if (listening === undefined) return;
    this.#listening = undefined;
    this.#ready = false;
    holdsNoSocket(listening);
    listening.listener.close();
    listening.giveUp();
    await new Promise<void>((resolve) => {
      this.#host.stack.post(resolve);
    });
  }

  /** `LISTEN` or `CLOSED`. */
  status(): TcpState {
    return this.#ready ? TcpState.LISTEN : TcpState.CLOSED;
  }

  /** The port that it listens on; when it does not, the one that it was made with. */
  port(): number {
    return this.#ready && this.#listening !== undefined ? this.#listening.listener.port : this.#port;
  }

  /**
   * The address that it listens on, in text form; when it does not, the one that it was made with, `::` for
   * every one.
   */
  address(): string {
    if (this.#ready && this.#listening !== undefined) return this.#listening.listener.address;
    return this.#address ?? '::';
  }

  /** Accepted clients begin with this setting of `setNoDelay`. Default false. */
  setNoDelay(on: boolean): void {
    this.#noDelay = checkBoolean('setNoDelay', on);
  }

  /** What `setNoDelay` set. */
  getNoDelay(): boolean {
    return this.#noDelay;
  }

  /** Listening keeps the process alive. The default. */
  ref(): void {
    this.#setKeepsAlive(true);
  }

  /** Listening does not keep the process alive; its clients do. */
  unref(): void {
    this.#setKeepsAlive(false);
  }

  /** `await using server = …` ends it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #setKeepsAlive(on: boolean): void {
    this.#keepsAlive = on;
    this.#listening?.listener.setKeepsAlive(on);
  }

  #listen(): Listening {
    let resolve = (): void => undefined;
    let reject: (reason: Error) => void = () => undefined;
    const started = new Promise<void>((onStarted, onFailed) => {
      resolve = onStarted;
      reject = onFailed;
    });
    const action = `listen on ${this.#address ?? 'every address'} port ${this.#port}`;
    const events: ListenerEvents = {
      listening: () => {
        this.#ready = true;
        resolve();
      },
      failed: (fault) => {
        holdsNoSocket(listening);
        this.#listening = undefined;
        reject(tcpError(action, fault));
      },
      accepted: (connection) => this.#accept(connection),
      acceptFailed: (fault) => {
        this.#tellOfAcceptFault(fault);
      },
    };
    const listener = this.#host.stack.listen(
      { address: this.#address, port: this.#port, backlog: this.#backlog, reusePort: this.#reusePort },
      events,
    );
    listener.setKeepsAlive(this.#keepsAlive);
    const reset = (): void => listener.close();
    const listening: Listening = { listener, started, giveUp: resolve, reset };
    holdsSocket(listening);
    return listening;
  }

  #accept(connection: Connection): ConnectionEvents | undefined {
    const onClient = this.#onClient;
    if (onClient === undefined || this.#clients >= this.#maxClients) {
      this.#host.refuse();
      return undefined;
    }
    if (!this.#host.admit()) return undefined;
    this.#clients += 1;
    const { client, events } = acceptedClient(this.#host, connection, this.#noDelay, this.#clientOver);
    call1(events, CallbackKind.CLIENT, onClient, client);
    return events;
  }

  /** Once: a machine out of descriptors refuses many connections, and each would be a line. */
  #tellOfAcceptFault(fault: Fault): void {
    if (this.#toldOfAcceptFault) return;
    this.#toldOfAcceptFault = true;
    warn(
      `port ${this.port()} cannot accept a connection: ${errorText(fault.code)} (${fault.cause?.message ?? 'no details'}); listening goes on`,
    );
  }
}
