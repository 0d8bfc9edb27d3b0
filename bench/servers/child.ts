// What the server programs in JavaScript share, on whatever runtime: the mode that is asked for, the port
// that is told, the end with the harness. A program calls `announce` once, and `fault` for whatever must not
// happen in a run.

import process from 'node:process';

import { HEAP, lineOf, PORT, SERVER_MODES, type ServerMode } from '../protocol.js';

const PATTERN_PERIOD = 256;

/** What mode `send` sends, again and again. */
export const CHUNK = Uint8Array.from({ length: 64 * 1024 }, (_, index) => index % PATTERN_PERIOD);

/** Ends the run: a benchmark of a server that loses something is worth nothing. */
export function fault(what: string): never {
  process.stderr.write(`bench server: ${what}\n`);
  process.exit(1);
}

/** The first argument. */
export function askedMode(): ServerMode {
  const [, , asked] = process.argv;
  const mode = SERVER_MODES.find((name) => name === asked);
  return mode ?? fault(`what to serve: ${SERVER_MODES.join(', ')}`);
}

function tellHeap(): void {
  if (globalThis.gc === undefined) fault('the heap can only be told with --expose-gc');
  globalThis.gc();
  process.stdout.write(lineOf(HEAP, process.memoryUsage().heapUsed));
}

/** The server listens. */
export function announce(port: number): void {
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (text) => {
    if (String(text).trim() === HEAP) tellHeap();
  });
  process.stdin.on('end', () => process.exit(0));
  process.stdout.write(lineOf(PORT, port));
}
