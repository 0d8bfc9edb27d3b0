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

/** All that a task is started with. */
export interface TaskStart {
  /** URL of the program's module. */
  readonly program: string;
  readonly settings: TaskSettings;
  readonly variables: Variables;
  readonly options: TaskOptions;
}
