/** One listener on the kernel's TCP. */
import type { NativeSockets } from '../../addon/native-sockets.js';
import { SHARES_FREE_PORT, SHARES_NOTHING, SHARES_PORT } from '../../addon/native-sockets.js';
import type {
  Cancel,
  ConnectionEvents,
  Connection,
  Endpoint,
  Fault,
  Listener,
  ListenerEvents,
  ListenTarget,
} from '../../port/tcp-stack.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { listenFault } from '../system/system-fault.js';
import type { ConnectionContext } from './connection-context.js';
import { KernelConnection } from './kernel-connection.js';
import type { ListenerOwner, SocketEnds } from './socket-loop.js';
import { isOutOfDescriptors, systemError } from './system-error.js';

/** Backlog if the target names none, as in Node: Linux cuts it down to `net.core.somaxconn` if need be. */
const USUAL_BACKLOG = 511;
/** Milliseconds after which a listener that had no memory to accept tries again. */
const RESUME_MS = 100;

export class KernelListener implements Listener, ListenerOwner, TimerOwner {
  readonly local: Endpoint;
  readonly context: ConnectionContext;
  readonly #slot: number;
  readonly #receiveWindowBytes: number;
  /** `undefined`: closed. */
  #events: ListenerEvents | undefined;
  #timer: Timer | undefined;
  #keepsAlive = false;
  readonly #further = new Set<FurtherSocket>();

  /**
   * Begins to listen. Returns the fault if that fails.
   * @param receiveBuffer SO_RCVBUF of the connections, 0 for the system's own.
   */
  static listen(
    context: ConnectionContext,
    target: ListenTarget,
    events: ListenerEvents,
    receiveBuffer: number,
  ): KernelListener | Fault {
    const { loop } = context;
    const native = loop.tryOpen();
    // The loop was closed with its last socket, and cannot be opened again now.
    if (native instanceof Error) return listenFault(native);
    const { address = '::', port } = target;
    const slot = openSlot(native, target, receiveBuffer);
    if (slot < 0) {
      loop.endUnlessUsed();
      return listenFault(systemError(slot, { address, port }));
    }
    const local = loop.localEnd(slot);
    const kept = typeof local === 'object' ? keepSocket(native, slot, target) : 0;
    if (typeof local === 'object' && kept >= 0) {
      return new KernelListener(context, slot, local, target, events);
    }
    native.close(slot);
    return listenFault(systemError(typeof local === 'number' ? local : kept, { address, port }));
  }

  private constructor(
    context: ConnectionContext,
    slot: number,
    local: Endpoint,
    target: ListenTarget,
    events: ListenerEvents,
  ) {
    this.context = context;
    this.local = local;
    this.#slot = slot;
    this.#receiveWindowBytes = target.receiveWindowBytes ?? context.limits.receiveWindowBytes;
    this.#events = events;
    context.loop.adoptListener(slot, this);
    this.setKeepsAlive(true);
    context.post(() => {
      this.#events?.onListening();
    });
  }

  holding(): 'listeners' {
    return 'listeners';
  }

  close(): void {
    if (this.#events === undefined) return;
    const { loop } = this.context;
    this.setKeepsAlive(false);
    this.#events = undefined;
    for (const further of this.#further) further.close();
    this.#further.clear();
    loop.release(this.#slot);
    // The slot is freed even if the call fails.
    loop.native.close(this.#slot);
    if (this.#timer !== undefined) loop.timers.disarm(this.#timer);
  }

  hasTimer(): boolean {
    return this.#timer?.armed === true;
  }

  reset(): void {
    this.close();
  }

  setKeepsAlive(on: boolean): void {
    if (on === this.#keepsAlive || this.#events === undefined) return;
    this.#keepsAlive = on;
    this.context.loop.keepProcess(on);
  }

  acceptAlso(descriptor: number): Cancel | Fault {
    const { loop } = this.context;
    const slot = loop.native.listenAlso(descriptor);
    if (slot < 0) return listenFault(systemError(slot));
    const further = new FurtherSocket(this, slot);
    this.#further.add(further);
    return () => {
      if (this.#further.delete(further)) further.close();
    };
  }

  onSocketAccepted(slot: number, ends: SocketEnds): void {
    const connection = new KernelConnection(this.context, slot, ends, this.#receiveWindowBytes);
    connection.begin((standing: Connection): ConnectionEvents | undefined =>
      this.#events?.onAccepted(standing),
    );
  }

  onSocketAcceptFailed(refusal: number, isStopped: boolean): void {
    if (isStopped) this.#resumeLater();
    // A lingering connection gives its descriptor to a new one.
    if (isOutOfDescriptors(refusal)) this.context.lingerers.evictStalled();
    this.#events?.onAcceptFailed(listenFault(systemError(refusal)));
  }

  #resumeLater(): void {
    const { timers } = this.context.loop;
    this.#timer ??= new Timer(this);
    timers.arm(this.#timer, timers.nowMs() + RESUME_MS);
  }

  due(): void {
    const { native } = this.context.loop;
    const slots = [this.#slot, ...[...this.#further].map(({ slot }) => slot)];
    if (slots.some((slot) => native.resume(slot) < 0)) this.#resumeLater();
  }

  /** The listening socket itself failed. */
  onSocketFailed(refusal: number): void {
    this.#events?.onAcceptFailed(listenFault(systemError(refusal)));
  }

  onSocketBroke(): void {
    // The exception is reported as uncaught; the next connection may be accepted soundly.
  }
}

/** One more socket that a listener accepts from. */
class FurtherSocket implements ListenerOwner {
  readonly context: ConnectionContext;
  readonly slot: number;
  readonly #listener: KernelListener;

  constructor(listener: KernelListener, slot: number) {
    this.context = listener.context;
    this.#listener = listener;
    this.slot = slot;
    this.context.loop.adoptListener(slot, this);
  }

  holding(): 'listeners' {
    return 'listeners';
  }

  close(): void {
    const { loop } = this.context;
    loop.release(this.slot);
    // The slot is freed even if the call fails.
    loop.native.close(this.slot);
  }

  /** The listener, which is reset as well, closes this socket. */
  reset(): void {
    this.#listener.reset();
  }

  onSocketAccepted(slot: number, ends: SocketEnds): void {
    this.#listener.onSocketAccepted(slot, ends);
  }

  onSocketAcceptFailed(refusal: number, isStopped: boolean): void {
    this.#listener.onSocketAcceptFailed(refusal, isStopped);
  }

  onSocketFailed(refusal: number): void {
    this.#listener.onSocketFailed(refusal);
  }

  onSocketBroke(): void {
    // As for the listener's own socket.
  }
}

/** Returns the slot of the listening socket, or a refusal. */
function openSlot(native: NativeSockets, target: ListenTarget, receiveBuffer: number): number {
  const { address, port, backlog = USUAL_BACKLOG, handover } = target;
  const handed = handover?.take();
  if (handed !== undefined) return native.listenAlso(handed);
  const shared = handover?.wantsFreePort === true ? SHARES_FREE_PORT : SHARES_PORT;
  return native.listen(address, port, backlog, target.reusePort ? shared : SHARES_NOTHING, receiveBuffer);
}

/** Gives a descriptor of the socket away, if it is wanted. Returns a refusal if that fails. */
function keepSocket(native: NativeSockets, slot: number, { handover }: ListenTarget): number {
  if (handover === undefined) return 0;
  const descriptor = native.duplicate(slot);
  if (descriptor >= 0) handover.keep(descriptor);
  return descriptor;
}
