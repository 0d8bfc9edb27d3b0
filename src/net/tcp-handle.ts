/**
 * A connection of asynctcp where net.js expects its native TCP handle: all of net.js's logic and order of
 * events stays Node's own. Here a connection begins and ends; the bytes are in `reading-handle.ts` and
 * `writing-handle.ts`, all else in `connection-handle.ts`. The four are one object, because each further
 * object would cost every idle connection its memory.
 *
 * Call order: `bind`? → `connect`, or `accept` → (`readStart` | `readStop` | `write`)* → `shutdownSoon` →
 * `close` or `reset`.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { AsyncClient, coreOf } from '../asynctcp/async-client.js';
import type { DisconnectReason } from '../asynctcp/handlers.js';
import { chooseStack } from '../asynctcp/stack-choice.js';
import type { Fault } from '../port/tcp-stack.js';
import { runTicks } from '../support/callback-scope.js';
import { CallbackKind } from '../task/callback-kind.js';
import { localEnd } from './handle-address.js';
import {
  connectErrnoOf,
  endError,
  errnoNamed,
  errnoOf,
  localPartOf,
  nodeError,
  syscallOf,
} from './node-errors.js';
import { hasSocketParts, isFunction } from './node-parts.js';
import { parts } from './parts.js';
import { isOfWrite, ReadingHandle } from './reading-handle.js';

const EALREADY = errnoNamed('EALREADY');
const EISCONN = errnoNamed('EISCONN');
const EINVAL = errnoNamed('EINVAL');
const ECANCELED = errnoNamed('ECANCELED');
const ECONNREFUSED = errnoNamed('ECONNREFUSED');

/** The request of net.js to connect. */
interface ConnectRequest {
  oncomplete?: (
    status: number,
    handle: unknown,
    request: unknown,
    readable: boolean,
    writable: boolean,
  ) => void;
  address?: string;
  port?: number;
  localAddress?: string;
  localPort?: number;
}

export class TcpHandle extends ReadingHandle {
  #request: ConnectRequest | undefined;

  protected override isBusy(): boolean {
    return this.#request !== undefined || super.isBusy();
  }

  /** True if nothing more can be sent: the connection is over, and no fault waits to be noticed. */
  get isGone(): boolean {
    return this.isClosed || (this.session === undefined && this.fault === undefined);
  }

  /** Takes an accepted client over. */
  accept(client: AsyncClient, isMapped: boolean): void {
    this.isMapped = isMapped;
    coreOf(client).leaveAtExit();
    this.join(client);
    this.session?.gatherInTurn();
  }

  /** Stops the session unless the socket has begun to read while it was shown to the program. */
  accepted(): void {
    if (!this.isStarted) this.session?.setStopped(true);
    this.adjustActivity();
  }

  // ---- connecting

  bind(address: string, port: number): number {
    return this.#bindTo(address, port, isIPv4(address));
  }

  bind6(address: string, port: number): number {
    return this.#bindTo(address, port, isIPv6(address));
  }

  #bindTo(address: string, port: number, isOfFamily: boolean): number {
    if (!isOfFamily) return EINVAL;
    this.bound = { address, port };
    return 0;
  }

  /**
   * Looks a name up on the stack; for one that has names of its own. The answer is an event of the
   * connection, which comes also if the handle was closed before.
   */
  lookUp(host: string, onAnswer: (fault: Fault | undefined, addresses: readonly string[]) => void): void {
    chooseStack(this.stack).stack.resolve(host, (fault, addresses) => {
      this.runNow(
        CallbackKind.CONNECT,
        () => {
          onAnswer(fault, addresses);
        },
        undefined,
      );
    });
  }

  connect6(request: ConnectRequest, address: string, port: number): number {
    return this.connect(request, address, port);
  }

  connect(request: ConnectRequest, address: string, port: number): number {
    if (this.#request !== undefined) return EALREADY;
    if (this.client !== undefined) return EISCONN;
    this.#request = request;
    if (port === 0) {
      // The kernel has no such port, and refuses by itself.
      this.runSoon(this.#refused);
      return 0;
    }
    const client = new AsyncClient(this.stack === undefined ? {} : { stack: this.stack });
    const from = this.bound === undefined ? {} : localEnd(this.bound);
    coreOf(client).leaveAtExit();
    if (!client.connect(address, port, from)) return EINVAL;
    this.join(client);
    this.adjustActivity();
    return 0;
  }

  onConnected(): void {
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) return;
    this.session?.gatherInTurn();
    this.runNow(CallbackKind.CONNECT, this.#connected, request);
    if (!this.isStarted) this.session?.setStopped(true);
    this.adjustActivity();
  }

  #refused(): void {
    const request = this.#request;
    this.#request = undefined;
    request?.oncomplete?.(ECONNREFUSED, this, request, false, false);
  }

  #connected(request: ConnectRequest): void {
    request.oncomplete?.(0, this, request, true, true);
  }

  #connectFailed(request: ConnectRequest, fault: Fault): void {
    const error = this.#errorAtOnce(request, fault);
    if (error === undefined) {
      request.oncomplete?.(connectErrnoOf(fault), this, request, false, false);
      return;
    }
    // A TLS socket owns the handle without having become its reader.
    const owner: unknown = Reflect.get(this, parts.owner);
    if (hasSocketParts(owner)) owner.destroy(error);
  }

  /** Returns the error with which net.js destroys a socket for which `bind` or `connect` fails at once. */
  #errorAtOnce(request: ConnectRequest, fault: Fault): Error | undefined {
    if (!isOnlyAttempt(request)) return undefined;
    const { address = '', port = 0, localAddress = '', localPort = 0 } = request;
    if (syscallOf(fault) === 'bind') return endError(errnoOf(fault), 'bind', localAddress, localPort);
    const local = localPartOf(fault);
    if (local === undefined) return undefined;
    const error = endError(errnoOf(fault), 'connect', address, port);
    error.message += local;
    return error;
  }

  // ---- the end

  /** As libuv: what the system has taken is sent, what waits for it is given up. */
  override close(closed?: unknown): void {
    if (this.isClosed) return;
    this.markClosed();
    this.isStarted = false;
    const { session } = this;
    const request = this.#request;
    const done = this.pending?.done;
    this.#request = undefined;
    this.pending = undefined;
    if (session !== undefined) {
      if (request !== undefined) session.abort();
      // A gathered write is done before the kernel has it: its rest is still sent.
      else if (done === undefined && session.queued() > 0) session.close('closed');
      else session.drop();
    }
    if (request !== undefined) {
      this.runSoon(() => request.oncomplete?.(ECANCELED, this, request, false, false));
    }
    this.closeNative(() => {
      if (done !== undefined) {
        this.runNow(CallbackKind.ACK, done, nodeError(ECANCELED, 'write'));
        // Two callbacks of libuv's, each with its ticks.
        runTicks();
      }
      if (isFunction(closed)) closed();
    });
  }

  /** Sends a reset, and closes. */
  reset(closed?: unknown): number {
    if (!this.isClosed) this.session?.abort();
    this.close(closed);
    return 0;
  }

  onOver(_reason: DisconnectReason, fault: Fault | undefined): void {
    this.session = undefined;
    const request = this.#request;
    this.#request = undefined;
    if (this.isClosed) return;
    if (request !== undefined) {
      this.runNow(
        CallbackKind.ERROR,
        () => {
          this.#connectFailed(request, fault ?? { code: 0 });
        },
        undefined,
      );
      return;
    }
    // libuv reads the FIN before it writes, and so before a waiting write fails.
    if (fault !== undefined) this.passWaitingEnd();
    if (!this.isShuttingDown) {
      this.runNow(CallbackKind.DISCONNECT, this.#afterOver, fault);
      return;
    }
    // libuv ends a shutdown before it polls again: the program may have closed the handle by then.
    this.runSoon(() => {
      this.#afterOver(fault);
    });
  }

  #afterOver(fault: Fault | undefined): void {
    if (this.isClosed) return;
    // As in libuv, a stopped handle reports only the error of a write.
    const isNoticed = this.peerEnd === 'open' || this.pending !== undefined || isOfWrite(fault);
    this.fault = isNoticed ? fault : undefined;
    if (this.peerEnd === 'open' && this.canRead() && fault !== undefined && !isOfWrite(fault)) {
      // A native handle that reads learns of the end before its waiting write does.
      this.passFault();
    } else if (this.pending?.done !== undefined) {
      this.failPending();
      this.fault = undefined;
    } else if (fault === undefined) {
      // The program has closed the client: the stream has no end of its own.
      if (this.peerEnd === 'open') this.socket?.destroy();
    } else if (isOfWrite(this.fault) || this.canRead()) {
      this.passFault();
    }
  }
}

/**
 * Returns true unless net.js tries several addresses, where a failure is the attempt's and not the socket's.
 * For a function of another name the failure is reported as an attempt's.
 */
function isOnlyAttempt({ oncomplete }: ConnectRequest): boolean {
  return oncomplete?.name === 'afterConnect';
}

/** Returns true for a handle that Node itself made. */
export function isNative(handle: unknown): handle is InstanceType<typeof parts.Tcp> {
  return handle instanceof parts.Tcp && !(handle instanceof TcpHandle);
}
