// What the harness and a server process say to each other, in lines of one word and perhaps a number: the
// server on its standard output, the harness on the server's standard input. Any language can do that. When
// its standard input ends, a server ends too.

/** What a server does with its connections; the last argument but the program's own. */
export const SERVER_MODES = [
  /** Sends back what comes. */
  'echo',
  /** Sends without end the bytes 0, 1, … 255, again and again. */
  'send',
  /** Drops what comes. */
  'discard',
] as const;

export type ServerMode = (typeof SERVER_MODES)[number];

/** The first thing that a server says: the port that it listens on, on 127.0.0.1. */
export const PORT = 'port';

/** Asked of servers that tell it: the bytes of the JavaScript heap in use, after a collection. */
export const HEAP = 'heap';

export function lineOf(word: string, value: number): string {
  return `${word} ${value}\n`;
}

/** The number that a line tells, if that is what it tells. */
export function valueIn(line: string, word: string): number | undefined {
  const [first, number, ...rest] = line.trim().split(' ');
  if (first !== word || number === undefined || rest.length > 0 || !/^\d+$/.test(number)) return undefined;
  return Number(number);
}
