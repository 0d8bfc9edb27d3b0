/**
 * A listener: SYNs that reach it become connections, which wait for their handshake and then for the
 * program (RFC 9293 §3.10.7.2). Both kinds together are at most the backlog; a SYN beyond it is dropped
 * without an answer.
 */
import type { TcpListenerSocket, TcpSocket } from '../raw-api.js';
import type { Address } from '../wire/address.js';
import { TcpFlag } from '../wire/tcp-header.js';
import type { Segment } from '../wire/tcp-segment.js';
import { chooseSequence, takeSyn } from './connect.js';
import { TcpConnection, type ConnectionEnds } from './connection.js';
import type { TcpHost } from './host.js';
import type { PortUse } from './ports.js';
import { Queue } from './queue.js';
import { updateSendWindow } from './acknowledge.js';
import type { TimeWait } from './time-wait.js';
import { changeState } from './state.js';

export interface ListenerSettings {
  readonly address: Address | undefined;
  readonly port: number;
  readonly backlog: number;
  readonly sharesPort: boolean;
  readonly sendBufferBytes: number | undefined;
  readonly receiveWindowBytes: number | undefined;
}

export class TcpListener implements TcpListenerSocket {
  readonly localAddress: Address | undefined;
  readonly localPort: number;
  readonly settings: ListenerSettings;
  owner: unknown;
  isReady = false;
  readonly #host: TcpHost;
  readonly #onClosed: (listener: TcpListener) => void;
  /** Connections whose handshake is not complete. */
  #opening = 0;
  portUse: PortUse | undefined;
  readonly #waiting = new Queue<TcpConnection>();
  #isClosed = false;

  constructor(host: TcpHost, settings: ListenerSettings, onClosed: (listener: TcpListener) => void) {
    this.#host = host;
    this.settings = settings;
    this.localAddress = settings.address;
    this.localPort = settings.port;
    this.#onClosed = onClosed;
  }

  /** True if a further SYN is taken. */
  get hasRoom(): boolean {
    return this.#opening + this.#waiting.length < this.settings.backlog;
  }

  /** Returns true if the listener gets connections to an address of this host. */
  covers(address: Address): boolean {
    const own = this.settings.address;
    if (own === undefined || own.equals(address)) return true;
    return own.isUnspecified() && own.family === address.family;
  }

  /**
   * Takes a SYN: the SYN-ACK follows with the next flush. Returns the connection.
   * @param former the connection in TIME_WAIT whose place it takes.
   */
  receiveSyn(ends: ConnectionEnds, segment: Segment, former: TimeWait | undefined): TcpConnection {
    const c = new TcpConnection(this.#host, ends);
    c.listener = this;
    chooseSequence(c, former);
    changeState(c, 'listenerSyn');
    takeSyn(c, segment);
    updateSendWindow(c, segment);
    c.hasSynToSend = true;
    c.timers.armSynReceived();
    this.#opening += 1;
    return c;
  }

  /** A handshake is complete: the program may take the connection. */
  established(c: TcpConnection): void {
    this.#opening -= 1;
    this.#waiting.push(c);
    if (this.isReady) return;
    this.isReady = true;
    this.#host.ready(this);
  }

  /** A connection is over before the program has taken it. */
  lost(c: TcpConnection): void {
    if (!this.#waiting.remove(c)) this.#opening -= 1;
  }

  accept(): TcpSocket | undefined {
    const c = this.#waiting.shift();
    if (c === undefined) return undefined;
    c.listener = undefined;
    // Events that came before belong to the program from now on.
    if (c.events !== 0) c.signal(0);
    return c;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClosed(this);
  }
}

/** A listener answers a SYN alone; anything else is of no connection (§3.10.7.2). */
export function isForListener({ flags }: Segment): boolean {
  return (flags & (TcpFlag.SYN | TcpFlag.ACK | TcpFlag.RST | TcpFlag.FIN)) === TcpFlag.SYN;
}
