/** One thread of a task of a group: its worker, what was handed to it, and the places at which it listens. */
import { withdrawDescriptor, type HandedDescriptor } from './handed-descriptor-node.js';
import type { KeptSocket, PlaceReport } from './task-group-node.js';
import type { TaskStart } from './task-start.js';
import type { TaskThread } from './task-thread.js';
import { TaskWorker, type TaskWorkerEvents } from './task-worker-node.js';

export class SeatThread {
  readonly worker: TaskWorker;
  /** Names of the places at which the thread listens. */
  readonly places = new Set<string>();
  isLoaded = false;
  /** The report of the thread that has begun; `undefined` before. */
  thread: TaskThread | undefined;
  readonly #handed: HandedDescriptor[];

  constructor(start: TaskStart, sockets: readonly KeptSocket[], events: TaskWorkerEvents) {
    this.worker = new TaskWorker(start, events);
    this.#handed = sockets.flatMap(({ handed }) => handed ?? []);
  }

  /** Notes a report. */
  onReport(report: PlaceReport): void {
    if (report.kind === 'listens') this.places.add(report.place);
    else if (report.kind === 'ends') this.places.delete(report.place);
  }

  /** Makes the thread accept from another task's socket as well. */
  accept(of: number, place: string, handed: HandedDescriptor): void {
    this.#handed.push(handed);
    this.worker.accept({ of, place, handed });
  }

  /** Ends `accept`. */
  acceptNoMore(of: number, place: string): void {
    this.worker.accept({ of, place, handed: undefined });
  }

  /** The thread is over: what it has not taken is closed. */
  ended(): void {
    for (const handed of this.#handed.splice(0)) withdrawDescriptor(handed);
  }
}
