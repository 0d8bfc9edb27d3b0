/**
 * The task's end of its group (`task-group.ts`), in the task's thread. Reports go to the supervisor by the
 * task's control port. The group is stored under a name that all copies of this library in the thread share.
 */
import { warn } from '../support/warn.js';
import { takeDescriptor, type HandedDescriptor } from './handed-descriptor-node.js';
import { share, shared } from './shared-node.js';
import type { AcceptAlso, DrainTask, ListenPlace, TaskGroup } from './task-group.js';

const SHARED_NAME = 'asynctcp.group';

/** A socket that the supervisor keeps for the threads of a task. */
export interface KeptSocket {
  /** Name of the place (`placeName`). */
  readonly place: string;
  /** The port that the first task listens on there. */
  readonly port: number;
  /** `undefined` on a stack without descriptors, and for a task that has not listened there yet. */
  readonly handed: HandedDescriptor | undefined;
}

/** The group's part of a task's order. */
export interface GroupOrder {
  readonly number: number;
  readonly count: number;
  /** True for the first thread of the group: no other task listens yet. */
  readonly isFirst: boolean;
  readonly sockets: readonly KeptSocket[];
}

/** Reports about the places at which the task listens. */
export type PlaceReport =
  | { readonly kind: 'kept'; readonly place: string; readonly descriptor: number }
  | { readonly kind: 'listens'; readonly place: string; readonly port: number }
  | { readonly kind: 'ends'; readonly place: string };

/** Orders of the supervisor about the socket of another task. */
export interface PlaceOrder {
  readonly place: string;
  /** Number of the task whose socket it is. */
  readonly of: number;
  /** A socket to accept from as well; `undefined`: no longer. */
  readonly handed: HandedDescriptor | undefined;
}

/**
 * Returns the name of a place.
 * @param ordinal distinguishes the servers of a program on ports of the system's choice, in their order.
 */
function placeName(address: string | undefined, port: number, ordinal: number): string {
  return `${address ?? '*'} port ${port}${port === 0 ? ` #${ordinal}` : ''}`;
}

export class TaskGroupEnd implements TaskGroup {
  readonly number: number;
  readonly count: number;
  readonly #report: (report: PlaceReport) => void;
  readonly #sockets: ReadonlyMap<string, KeptSocket>;
  readonly #open = new Map<string, AcceptAlso | undefined>();
  /** Places at which this thread has listened. */
  readonly #used = new Set<string>();
  /** Functions that stop to accept for another task, by its number and the place. */
  readonly #stops = new Map<string, () => void>();
  readonly #drains: DrainTask[] = [];
  #isFirst: boolean;
  #isLoaded = false;
  #anyPorts = 0;
  #hasWarned = false;

  constructor({ number, count, isFirst, sockets }: GroupOrder, report: (report: PlaceReport) => void) {
    this.number = number;
    this.count = count;
    this.#isFirst = isFirst;
    this.#report = report;
    this.#sockets = new Map(sockets.map((socket) => [socket.place, socket]));
  }

  /** The program was loaded: the other tasks begin to listen as well. */
  loaded(): void {
    this.#isLoaded = true;
    this.#isFirst = false;
  }

  place(address: string | undefined, port: number): ListenPlace | undefined {
    const name = this.#nameOf(address, port);
    const kept = name === undefined ? undefined : this.#sockets.get(name);
    // The first task has chosen the port, or is choosing it now.
    if (name === undefined || (port === 0 && kept === undefined && !this.#isFirst)) return undefined;
    const wasOpen = this.#used.has(name);
    this.#used.add(name);
    this.#open.set(name, undefined);
    return {
      port: kept?.port ?? port,
      take: () => (kept?.handed === undefined ? undefined : takeDescriptor(kept.handed)),
      // The supervisor may not have closed the socket of a server that has ended yet.
      wantsFreePort: this.#isFirst && !wasOpen,
      keep: (descriptor) => {
        this.#report({ kind: 'kept', place: name, descriptor });
      },
      listens: (bound, acceptAlso) => {
        this.#open.set(name, acceptAlso);
        this.#report({ kind: 'listens', place: name, port: bound });
      },
      ends: () => {
        this.#open.delete(name);
        this.#report({ kind: 'ends', place: name });
      },
    };
  }

  #nameOf(address: string | undefined, port: number): string | undefined {
    if (port === 0 && this.#isLoaded) {
      this.#warnOfOwnPort();
      return undefined;
    }
    const name = placeName(address, port, port === 0 ? this.#anyPorts : 0);
    if (port === 0) this.#anyPorts += 1;
    return this.#open.has(name) ? undefined : name;
  }

  #warnOfOwnPort(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    warn(
      `a server on port 0 that begins to listen when the program was loaded has a port of its own in task ${this.number}: ` +
        'name a port, or begin to listen while the module is evaluated, for the tasks to share it',
    );
  }

  onDrain(drain: DrainTask): void {
    this.#drains.push(drain);
  }

  async drain(withinMs: number): Promise<void> {
    await Promise.allSettled(this.#drains.map((drain) => drain(withinMs)));
  }

  /** Accepts from another task's socket as well, or no longer. */
  onOrder({ place, of, handed }: PlaceOrder): void {
    const name = `${of} ${place}`;
    this.#stops.get(name)?.();
    this.#stops.delete(name);
    const acceptAlso = this.#open.get(place);
    // A descriptor that is not taken is the supervisor's to withdraw.
    if (handed === undefined || acceptAlso === undefined) return;
    const descriptor = takeDescriptor(handed);
    const stop = descriptor === undefined ? undefined : acceptAlso(descriptor);
    if (stop !== undefined) this.#stops.set(name, stop);
  }
}

/** Stores the group for all copies of this library in the calling thread. */
export function storeGroup(group: TaskGroup): void {
  share(SHARED_NAME, group);
}

/** Returns the group of the calling thread's task; `undefined` in a thread that is no task of a group. */
export function givenGroup(): TaskGroup | undefined {
  const group = shared(SHARED_NAME);
  return typeof group === 'object' && group !== null ? (group as TaskGroup) : undefined;
}
