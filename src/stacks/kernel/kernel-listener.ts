/** One listener on the kernel's TCP. */
import type { NativeSockets } from '../../addon/native-sockets.js';
import type { Listener, ListenerEvents, ListenTarget } from '../../port/tcp-stack.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { listenFault } from '../system/system-fault.js';
import { KernelConnection, type ConnectionContext } from './kernel-connection.js';
import type { Ends, ListenerOwner } from './socket-loop.js';
import { isOutOfDescriptors, systemError } from './system-error.js';

/** Where the target names no backlog, as in Node: Linux cuts it down to `net.core.somaxconn` if need be. */
const USUAL_BACKLOG = 511;
/** A listener that cannot accept for want of memory tries again after so long. */
const RESUME_MS = 100;

const NO_SLOT = -1;

export class KernelListener implements Listener, ListenerOwner, TimerOwner {
  address = '';
  port = 0;

  readonly #context: ConnectionContext;
  readonly #receiveWindowBytes: number | undefined;
  #events: ListenerEvents | undefined;
  #slot = NO_SLOT;
  #timer: Timer | undefined;
  #keepsAlive = false;

  /** @param receiveBuffer that of the connections, 0 for the system's own. */
  constructor(
    context: ConnectionContext,
    target: ListenTarget,
    events: ListenerEvents,
    receiveBuffer: number,
  ) {
    this.#context = context;
    this.#receiveWindowBytes = target.receiveWindowBytes;
    this.#events = events;
    const native = context.loop.tryOpen();
    // It was closed with its last socket, and cannot be opened again now.
    if (native instanceof Error) this.#failSoon(native);
    else this.#listen(target, receiveBuffer, native);
  }

  #listen(target: ListenTarget, receiveBuffer: number, native: NativeSockets): void {
    const { address = '::', port } = target;
    const result = native.listen(
      target.address,
      port,
      target.backlog ?? USUAL_BACKLOG,
      target.reusePort ? 1 : 0,
      receiveBuffer,
    );
    if (result >= 0) this.#begin(result, target);
    else this.#failSoon(systemError(result, { address, port }));
  }

  #begin(slot: number, target: ListenTarget): void {
    const { loop } = this.#context;
    this.#slot = slot;
    loop.adoptListener(slot, this);
    this.setKeepsAlive(true);
    const end = loop.localEnd(slot);
    if (typeof end === 'number') {
      this.#letGo();
      const { address = '::', port } = target;
      this.#failSoon(systemError(end, { address, port }));
      return;
    }
    this.address = end.address;
    this.port = end.port;
    this.#context.post(() => {
      this.#events?.listening();
    });
  }

  #failSoon(cause: Error): void {
    this.#context.post(() => {
      const events = this.#events;
      this.#events = undefined;
      events?.failed(listenFault(cause));
    });
  }

  close(): void {
    this.#events = undefined;
    if (this.#slot !== NO_SLOT) this.#letGo();
  }

  #letGo(): void {
    const slot = this.#slot;
    this.setKeepsAlive(false);
    this.#slot = NO_SLOT;
    this.#context.loop.release(slot);
    // It is free again whatever the system says.
    this.#context.loop.native.close(slot);
    if (this.#timer !== undefined) this.#context.loop.timers.disarm(this.#timer);
  }

  setKeepsAlive(on: boolean): void {
    if (on === this.#keepsAlive || (on && this.#slot === NO_SLOT)) return;
    this.#keepsAlive = on;
    this.#context.loop.keepProcess(on);
  }

  socketAccepted(slot: number, ends: Ends): void {
    const connection = new KernelConnection(this.#context, slot, undefined, ends, this.#receiveWindowBytes);
    const receiver = this.#events?.accepted(connection);
    if (receiver === undefined) connection.abort();
    else connection.setEvents(receiver);
  }

  socketAcceptFailed(refusal: number, isStopped: boolean): void {
    if (isStopped) this.#resumeLater();
    // A peer that is only waited for must not keep a new one out.
    if (isOutOfDescriptors(refusal)) this.#context.lingerers.cutStandstill();
    this.#events?.acceptFailed(listenFault(systemError(refusal)));
  }

  #resumeLater(): void {
    const { timers } = this.#context.loop;
    this.#timer ??= new Timer(this);
    timers.arm(this.#timer, timers.nowMs() + RESUME_MS);
  }

  due(): void {
    if (this.#context.loop.native.resume(this.#slot) < 0) this.#resumeLater();
  }

  /** The listening socket itself failed. */
  socketFailed(refusal: number): void {
    this.#events?.acceptFailed(listenFault(systemError(refusal)));
  }

  socketBroke(): void {
    // The exception is told as uncaught; the next connection may be accepted soundly.
  }
}
