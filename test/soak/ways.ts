/**
 * The ways in which a connection of `come-and-go-program.ts` begins and ends. The client's first byte is the
 * index of the way, for the server.
 *
 * Call order: `serveWays` for each server; `runWay` for each connection.
 */
import { AsyncClient, AsyncServer, type ConnectOptions, type TcpStack } from 'asynctcp';
import { UNUSED_ADDRESS } from '../support/unused.js';

export const WAYS = [
  'client closes',
  'server closes',
  'client aborts',
  'server aborts',
  'half close',
  'closes at a poll',
  'falls silent',
  'refused',
  'given up by close',
  'given up by signal',
] as const;

export type Way = (typeof WAYS)[number];

const RX_TIMEOUT_S = 60;
/** Receive timeout of a connection that falls silent. */
const SILENCE_S = 0.02;
const ACK_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 30_000;
const TEXT = 'a few bytes';

const unused = (): void => undefined;

/** Arms timers of every kind. */
function watch(client: AsyncClient): void {
  client.setRxTimeout(RX_TIMEOUT_S);
  client.setAckTimeout(ACK_TIMEOUT_MS);
  client.setKeepAlive(60_000);
  client.onTimeout(unused);
  client.onAck(unused);
  client.onPoll(unused);
}

/** Serves one side of each way. `onOver` is called when an accepted connection is over. */
export function serveWays(server: AsyncServer, onAccepted: () => void, onOver: () => void): void {
  server.onClient((accepted) => {
    onAccepted();
    watch(accepted);
    accepted.setAllowHalfOpen(true);
    accepted.onData((_, data) => {
      const way = WAYS[data[0] ?? -1];
      if (way === 'server aborts') accepted.abort();
      else if (way !== 'half close') accepted.write(data);
      if (way === 'server closes') accepted.close();
    });
    accepted.onEnd(() => {
      accepted.write('what a half-open end still says');
      accepted.close();
    });
    accepted.onDisconnect(onOver);
  });
}

/** State that all connections of a program share. */
export interface Shared {
  readonly stack: TcpStack;
  readonly servers: readonly AsyncServer[];
  /** Never aborted. Every connection listens to it for a while: no listener may be left at the end. */
  readonly signal: AbortSignal;
}

/** Runs the client of one way. Resolves to its callbacks after the last one. */
export async function runWay(
  way: Way,
  shared: Shared,
  server: AsyncServer,
  byName: boolean,
): Promise<string> {
  const client = new AsyncClient({ stack: shared.stack });
  const callbacks: string[] = [];
  watch(client);
  client.setAllowHalfOpen(way === 'half close');
  if (way === 'falls silent') client.setRxTimeout(SILENCE_S);

  client.onConnect(() => {
    callbacks.push('connect');
    if (way === 'falls silent') return;
    client.write(Uint8Array.of(WAYS.indexOf(way), ...new TextEncoder().encode(TEXT)));
    if (way === 'half close') client.shutdown();
  });
  client.onData(() => {
    callbacks.push('data');
    if (way === 'client closes') client.close();
    if (way === 'client aborts') client.abort();
  });
  client.onEnd(() => {
    callbacks.push('end');
    client.close();
  });
  if (way === 'closes at a poll') {
    client.onPoll(() => {
      // On a busy machine the first poll may come before the data.
      if (!callbacks.includes('data')) return;
      callbacks.push('poll');
      client.close();
    });
  }
  client.onError((_, error) => callbacks.push(`error ${error}`));
  const over = new Promise<string>((resolve) => {
    client.onDisconnect(() => {
      callbacks.push('disconnect');
      resolve(callbacks.join(' '));
    });
  });
  connect(client, way, shared, server, byName);
  return over;
}

function connect(client: AsyncClient, way: Way, shared: Shared, server: AsyncServer, byName: boolean): void {
  const controller = new AbortController();
  const options: ConnectOptions = {
    timeoutMs: CONNECT_TIMEOUT_MS,
    signal: way === 'given up by signal' ? controller.signal : shared.signal,
  };
  let host = byName ? 'localhost' : server.address();
  if (way === 'refused') host = UNUSED_ADDRESS;
  client.connect(host, server.port(), options);
  if (way === 'given up by close') client.close();
  if (way === 'given up by signal') controller.abort();
}
