/**
 * The ways in which a connection of `come-and-go-program.ts` comes and goes, as a client and a server play
 * them. The client's first byte tells the server which way it is.
 *
 * Call order: `serveWays` for each accepted client; `go` for each client, once.
 */
import { AsyncClient, AsyncServer, type ConnectOptions, type TcpStack } from 'asynctcp';

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
/** Of a connection that falls silent. */
const SILENCE_S = 0.02;
const ACK_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 30_000;
const TEXT = 'a few bytes';

const unused = (): void => undefined;

/** Timers of every kind run for each connection, at both ends. */
function watch(client: AsyncClient): void {
  client.setRxTimeout(RX_TIMEOUT_S);
  client.setAckTimeout(ACK_TIMEOUT_MS);
  client.setKeepAlive(60_000);
  client.onTimeout(unused);
  client.onAck(unused);
  client.onPoll(unused);
}

/** The server's part; `onOver` is called when the connection is over. */
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

/** What all connections share. */
export interface Place {
  readonly stack: TcpStack;
  readonly servers: readonly AsyncServer[];
  /** Where nobody listens on the ports of the servers. */
  readonly nobodysAddress: string;
  /** Lives as long as the program, and is never aborted: every connection listens to it for a while. */
  readonly signal: AbortSignal;
}

/** Plays the client's part of one way; answers with the callbacks that came, when the last one has come. */
export async function go(way: Way, place: Place, server: AsyncServer, byName: boolean): Promise<string> {
  const client = new AsyncClient({ stack: place.stack });
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
      // On a machine that stands still, the first poll may come before the data.
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
  connect(client, way, place, server, byName);
  return over;
}

function connect(client: AsyncClient, way: Way, place: Place, server: AsyncServer, byName: boolean): void {
  const controller = new AbortController();
  const options: ConnectOptions = {
    timeoutMs: CONNECT_TIMEOUT_MS,
    signal: way === 'given up by signal' ? controller.signal : place.signal,
  };
  let host = byName ? 'localhost' : server.address();
  if (way === 'refused') host = place.nobodysAddress;
  client.connect(host, server.port(), options);
  if (way === 'given up by close') client.close();
  if (way === 'given up by signal') controller.abort();
}
