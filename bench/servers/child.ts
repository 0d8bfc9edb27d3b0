// The protocol for server programs in JavaScript, on every runtime: reads the mode, reports the port, ends
// with the harness. A program calls `announce` once, and `fault` for anything that must not happen in a run.

import process from 'node:process';

import { HEAP, lineOf, PORT, SERVER_MODES, type ServerMode } from '../protocol.js';

const PATTERN_PERIOD = 256;

/** The bytes that mode `send` repeats. */
export const CHUNK = Uint8Array.from({ length: 64 * 1024 }, (_, index) => index % PATTERN_PERIOD);

/** Ends the run, because the results of a server that loses something are worthless. */
export function fault(what: string): never {
  process.stderr.write(`bench server: ${what}\n`);
  process.exit(1);
}

/** Returns the first argument, which is one of `modes`. */
export function askedMode(): ServerMode;
export function askedMode<Mode extends string>(modes: readonly Mode[]): Mode;
export function askedMode(modes: readonly string[] = SERVER_MODES): string {
  const [, , asked] = process.argv;
  const mode = modes.find((name) => name === asked);
  return mode ?? fault(`what to serve: ${modes.join(', ')}`);
}

function tellHeap(): void {
  if (globalThis.gc === undefined) fault('the heap can only be told with --expose-gc');
  globalThis.gc();
  process.stdout.write(lineOf(HEAP, process.memoryUsage().heapUsed));
}

/** Reports that the server listens. `onLine` gets the harness's requests that only some programs know. */
export function announce(port: number, onLine?: (line: string) => void): void {
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (text) => {
    const line = String(text).trim();
    if (line === HEAP) tellHeap();
    else onLine?.(line);
  });
  process.stdin.on('end', () => process.exit(0));
  process.stdout.write(lineOf(PORT, port));
}
