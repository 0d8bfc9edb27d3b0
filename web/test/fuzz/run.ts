/**
 * Connections with random bytes to a server, each with a seed of its own. A connection must end within
 * bounds, and what it got must be answers.
 */
import type { Socket } from 'asynctcp/net';
import { INJECTED, HIDDEN, randomRequest } from './requests.js';
import { Random } from './random.js';

/** Time for a connection to end, in milliseconds: all the server's limits are below a second. */
const BOUND_MS = 30_000;

/** Ends most connections, so that those before it have their answers. */
const LAST = 'GET /on HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

const STATUS = /^HTTP\/1\.1 (?<code>\d{3}) /;
const INJECTION = new RegExp(`^${INJECTED}:`, 'im');

export interface Totals {
  requests: number;
  connections: number;
  readonly statuses: Map<string, number>;
}

/** Resources of a connection. */
export interface Target {
  readonly open: () => Socket;
  /** Paths below `HIDDEN` that handlers have seen. */
  readonly hidden: ReadonlySet<string>;
}

/** Plays a connection. Returns what it violates; `undefined` if nothing. */
export async function playConnection(
  seed: number,
  { open, hidden }: Target,
  totals: Totals,
): Promise<string | undefined> {
  const random = new Random(seed);
  const path = `${HIDDEN}/${seed}`;
  const hiddenRequest = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const requests = Array.from({ length: random.once(2) ? 1 : 1 + random.below(8) }, () =>
    randomRequest(random, hiddenRequest),
  );
  const isFramed = requests.every((request) => request.isFramed);
  const ends = random.once(3);
  const bytes = requests.map((request) => request.bytes).join('') + (ends ? '' : LAST);
  const answer = await exchange(open(), Buffer.from(bytes, 'latin1'), random, ends);
  totals.connections += 1;
  totals.requests += requests.length;
  if (answer === undefined) return 'the connection did not end';
  const { code } = STATUS.exec(answer)?.groups ?? {};
  if (answer !== '' && code === undefined) return `it got ${answer.slice(0, 100)}`;
  const status = answer === '' ? 'closed' : (code ?? '');
  totals.statuses.set(status, (totals.statuses.get(status) ?? 0) + 1);
  const head = answer.slice(0, answer.indexOf('\r\n\r\n'));
  if (INJECTION.test(head)) return `it put a header into ${head}`;
  if (code === '500' && !bytes.includes('throw')) return `it got ${head}`;
  if (isFramed && hidden.has(path)) return `a body got to ${HIDDEN}`;
  return undefined;
}

/** Sends bytes in pieces. Returns what came until the connection ended; `undefined` if it did not. */
function exchange(socket: Socket, bytes: Buffer, random: Random, ends: boolean): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(undefined);
    }, BOUND_MS);
    let answer = '';
    const isGone = random.once(10);
    const isDeaf = random.once(50);
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      answer += piece;
      // These have no end of their own.
      if (/^HTTP\/1\.1 101|\r\nContent-Type: text\/event-stream/.test(answer)) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    if (isDeaf) socket.pause();
    let at = 0;
    const write = (): void => {
      if (socket.destroyed) return;
      const end = at + 1 + random.below(random.once(2) ? 50 : bytes.length);
      socket.write(bytes.subarray(at, end));
      at = end;
      if (at < bytes.length && !(isGone && random.once(4))) setImmediate(write);
      else if (isGone) socket.destroy();
      else if (ends) socket.end();
      if (isDeaf && at >= bytes.length) socket.resume();
    };
    write();
  });
}
