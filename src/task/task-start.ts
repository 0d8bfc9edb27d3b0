import type { GroupOrder } from './task-group-node.js';
import type { TaskSettings, Variables } from './task-settings.js';

/** Options of a task beside its configuration. */
export interface TaskOptions {
  /** The program's arguments: its `process.argv` from the third element on. */
  argv?: readonly string[];
  /**
   * True lets the program read this process's standard input. Default false: the program's input is empty.
   */
  stdin?: boolean;
  /** The program's `workerData` of `node:worker_threads`. */
  workerData?: unknown;
}

/** Options of a group of tasks beside its configuration. */
export interface TasksOptions {
  /** The program's arguments: its `process.argv` from the third element on. */
  argv?: readonly string[];
  /** The program's `workerData` of `node:worker_threads`, the same for every task. */
  workerData?: unknown;
  /**
   * Milliseconds in which the connections of a task that ends may end by themselves, 0 to 86400000. Default
   * 10000.
   */
  drainMs?: number;
  /**
   * Milliseconds in which a task that replaces another one must have loaded the program and listen, 1 to
   * 86400000. Default 30000.
   */
  startMs?: number;
}

/** All that a task is started with. */
export interface TaskStart {
  /** URL of the program's module. */
  readonly program: string;
  readonly settings: TaskSettings;
  readonly variables: Variables;
  readonly options: TaskOptions;
  /** `undefined` for a task that is in no group. */
  readonly group?: GroupOrder;
}

/** Time limits of the tasks of a group, in milliseconds. */
export interface SeatLimits {
  /** Time in which a thread that is asked to end ends its connections. */
  readonly drainMs: number;
  /** Time in which a successor must have been loaded and listen. */
  readonly startMs: number;
}
