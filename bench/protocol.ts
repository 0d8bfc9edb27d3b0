// The protocol between the harness and a server process: lines of one word and possibly a number, on the
// server's standard output and input, so that servers can be written in any language. A server ends when its
// standard input does.

/** A server's treatment of its connections: the argument after the program's own ones. */
export const SERVER_MODES = [
  /** Echoes. */
  'echo',
  /** Sends the bytes 0, 1, … 255 again and again, without end. */
  'send',
  /** Drops what it receives. */
  'discard',
] as const;

export type ServerMode = (typeof SERVER_MODES)[number];

/** HTTP servers, which answer every GET with `hello world`, and a WebSocket server that echoes. */
export const WEB_MODES = ['http', 'https', 'fastify', 'express', 'hono', 'ws'] as const;

/**
 * Programs that make requests instead: on `OUTGOING_CONNECTIONS` connections at once, each request following
 * the answer to the one before, until an answer is `STOP`. They have no port and report 0.
 */
export const OUTGOING_MODES = ['agent', 'undici', 'fetch', 'ioredis'] as const;

export const OUTGOING_CONNECTIONS = 50;
export const STOP = 'stop';

export type WebMode = (typeof WEB_MODES)[number];
export type OutgoingMode = (typeof OUTGOING_MODES)[number];
export type Mode = ServerMode | WebMode | OutgoingMode;

/** A server's first line: its port on 127.0.0.1. */
export const PORT = 'port';

/** Request to a program that makes requests: the port on 127.0.0.1 that answers them. There is no answer. */
export const ASK = 'ask';

/** Request, and word of the answer: bytes of the JavaScript heap in use after a collection. */
export const HEAP = 'heap';

export function lineOf(word: string, value: number): string {
  return `${word} ${value}\n`;
}

/** Returns the number of a line that begins with `word`. */
export function valueIn(line: string, word: string): number | undefined {
  const [first, number, ...rest] = line.trim().split(' ');
  if (first !== word || number === undefined || rest.length > 0 || !/^\d+$/.test(number)) return undefined;
  return Number(number);
}
