/** An attempt to connect on `node:net`: it owns the socket until its outcome. */
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { DuplexOptions } from 'node:stream';
import { ErrorCode } from '../../port/error-code.js';
import type { Attempt, AttemptEvents, ConnectTarget, Fault } from '../../port/tcp-stack.js';
import { connectionFault } from '../system/system-fault.js';
import { STREAM_BYTES } from './inbox.js';
import { NodeConnection, type ConnectionContext } from './node-connection.js';
import type { OpenSocket } from './open-sockets.js';
import { endsOf } from './socket-facts.js';
import { withNamedZone } from './zone.js';

/** The types leave out the stream's options, which the constructor takes. */
const SOCKET_OPTIONS: SocketConstructorOpts & DuplexOptions = {
  allowHalfOpen: true,
  readableHighWaterMark: STREAM_BYTES,
};

export class NodeAttempt implements Attempt, OpenSocket {
  readonly #context: ConnectionContext;
  readonly #target: ConnectTarget;
  readonly #socket = new Socket(SOCKET_OPTIONS);
  /** `undefined` after the outcome. */
  #events: AttemptEvents | undefined;
  #fault: Fault | undefined;

  constructor(context: ConnectionContext, target: ConnectTarget, events: AttemptEvents) {
    this.#context = context;
    this.#target = target;
    this.#events = events;
    this.#socket.on('connect', this.#onConnect);
    this.#socket.on('error', this.#onError);
    this.#socket.on('close', this.#onClose);
    context.sockets.add(this);
    this.#connect();
  }

  get holding(): 'attempts' | undefined {
    return this.#events === undefined ? undefined : 'attempts';
  }

  #connect(): void {
    const { address, port, localAddress, localPort } = this.#target;
    try {
      this.#socket.connect({
        host: withNamedZone(address),
        port,
        ...(localAddress === undefined ? {} : { localAddress: withNamedZone(localAddress) }),
        ...(localPort === 0 ? {} : { localPort }),
      });
    } catch (error) {
      // An address that the runtime reads otherwise than we do, such as one with a zone.
      this.#socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  cancel(): void {
    if (this.#events === undefined) return;
    this.#events = undefined;
    this.#socket.destroy();
  }

  reset(): void {
    this.cancel();
  }

  setKeepsAlive(on: boolean): void {
    if (this.#events === undefined) return;
    if (on) this.#socket.ref();
    else this.#socket.unref();
  }

  // ---- the socket's events

  readonly #onConnect = (): void => {
    const socket = this.#socket;
    const ends = endsOf(socket);
    if (ends === undefined) {
      const cause = Object.assign(new Error('connect ECONNRESET'), {
        code: 'ECONNRESET',
        syscall: 'connect',
      });
      socket.destroy(cause);
      return;
    }
    socket.off('connect', this.#onConnect);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    const events = this.#letGo();
    const connection = new NodeConnection(this.#context, socket, ends, this.#target.receiveWindowBytes);
    connection.begin((standing) => events?.onConnected(standing));
  };

  readonly #onError = (cause: Error): void => {
    this.#fault ??= connectionFault(cause, this.#target.localPort !== 0);
  };

  readonly #onClose = (): void => {
    // A runtime that closes the socket without an error gives no other reason.
    this.#letGo()?.onFailed(this.#fault ?? { code: ErrorCode.ERR_CLSD });
  };

  /** The attempt has its outcome: it owns the socket no longer. */
  #letGo(): AttemptEvents | undefined {
    const events = this.#events;
    this.#events = undefined;
    this.#context.sockets.remove(this);
    return events;
  }
}
