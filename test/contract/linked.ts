/** Connections that most cases begin with. */
import type { AsyncClient, AsyncServer } from 'asynctcp';
import type { Env, PeerSocket } from './case.js';
import { calls, History } from './history.js';
import { pattern } from './pattern.js';

export interface Linked {
  readonly server: AsyncServer;
  readonly client: AsyncClient;
  readonly accepted: AsyncClient;
  readonly history: History;
  readonly acceptedHistory: History;
}

/** Connects a client to a server. `prepare` runs for both ends before any of their callbacks. */
export async function linked(
  env: Env,
  prepare: (client: AsyncClient) => void = () => undefined,
): Promise<Linked> {
  let acceptedHistory: History | undefined;
  const server = await env.serve((accepted) => {
    acceptedHistory = new History(accepted);
    prepare(accepted);
  });
  const client = env.client();
  const history = new History(client);
  prepare(client);
  calls(() => history.connect(env.address, server.port()));
  await env.until('both ends are connected', () => history.has('connect') && acceptedHistory !== undefined);
  if (acceptedHistory === undefined) throw new Error('nothing was accepted');
  return { server, client, accepted: acceptedHistory.client, history, acceptedHistory };
}

/** Connects a client to the foreign peer. */
export async function linkedToPeer(
  env: Env,
  prepare: (client: AsyncClient) => void = () => undefined,
  listening: { receiveBuffer?: number } = {},
): Promise<{ client: AsyncClient; history: History; peer: PeerSocket }> {
  const listener = await env.peer.listen(listening);
  const client = env.client();
  const history = new History(client);
  prepare(client);
  calls(() => history.connect(listener.address, listener.port));
  const peer = await listener.accept();
  await env.until('the client is connected', () => history.has('connect'));
  return { client, history, peer };
}

/** Resolves to a port of the peer on which nothing listens. */
export async function deadPort(env: Env): Promise<number> {
  const listener = await env.peer.listen();
  await listener.close();
  return listener.port;
}

/** Resolves to a port of the peer that answers no SYN, so that attempts to connect continue. */
export async function silentPort(env: Env): Promise<number> {
  const listener = await env.peer.listen({ backlog: 0 });
  await listener.goSilent();
  return listener.port;
}

/** Sends until no more bytes are taken. */
export async function stuff(env: Env, client: AsyncClient): Promise<void> {
  let before = -1;
  let taken = 0;
  while (before !== taken) {
    before = taken;
    for (let last = 1; last > 0; taken += last) last = client.write(pattern(0, 0, 65_536));
    await env.settle();
  }
}

/** More window probes than a full receive buffer answers by taking a segment. */
const MOST_PROBES = 100;

/**
 * Waits for the end of a close that has timed out. A full receive buffer may take a little more at a window
 * probe (RFC 9293 §3.8.6.1): that is progress, and another timeout begins.
 */
export async function passCloseTimeouts(env: Env, history: History): Promise<void> {
  await env.settle();
  for (let probe = 0; probe < MOST_PROBES && !history.over; probe += 1) {
    env.clock.advance(env.clientStack.limits.closeTimeoutMs);
    await env.settle();
  }
  await env.until('it is over', () => history.over);
}
