/** The lines that the library has for the user who runs the program, and where they go. */

import { isError } from './realm.js';

/** A logger of the program, such as `pino()`: each method takes fields and a text of one line. */
export interface Logger {
  info(fields: object, text: string): unknown;
  warn(fields: object, text: string): unknown;
  error(fields: object, text: string): unknown;
}

export type LogLevel = keyof Logger;

/** Names the library in the fields of each entry. */
const MODULE = { module: 'asynctcp' } as const;

let logger: Logger | undefined;
let listener: ((line: string) => void) | undefined;

/** Sends what the library has to say to this logger from now on; `undefined`: warnings to the console. */
export function logTo(wanted: Logger | undefined): void {
  logger = wanted;
}

/** Calls `wanted` with each warning from now on; `undefined`: nothing. */
export function observeWarnings(wanted: ((line: string) => void) | undefined): void {
  listener = wanted;
}

/** Gives an entry to the program's logger. Returns false if there is none. */
export function log(level: LogLevel, fields: object, text: string): boolean {
  if (logger === undefined) return false;
  try {
    logger[level]({ ...MODULE, ...fields }, text);
  } catch (error) {
    // A logger that is broken must not end connections.
    console.warn(`asynctcp: ${text} (the logger threw${isError(error) ? `: ${error.message}` : ''})`);
  }
  return true;
}

/** Reports a warning of one line to the user who runs the program. */
export function warn(line: string): void {
  listener?.(line);
  if (!log('warn', {}, line)) console.warn(`asynctcp: ${line}`);
}
