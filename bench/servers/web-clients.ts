// Programs that make requests on many connections at once, as programs write them. Under the library's hook
// nothing changes here; with the argument `explicit` the connections are made by the library.

import * as http from 'node:http';
import type { Duplex } from 'node:stream';
import process from 'node:process';

import { EXPLICIT } from '../contestants.js';
import { library } from '../libraries.js';
import { OUTGOING_CONNECTIONS, type OutgoingMode, STOP } from '../protocol.js';
import { fault } from './child.js';

// The types of the libraries, in so far as they are used.

interface Undici {
  readonly Agent: new (options: object) => { destroy(): Promise<void> };
  readonly request: (url: string, options: object) => Promise<{ body: { text(): Promise<string> } }>;
}

interface Redis {
  get(key: string): Promise<string | null>;
  disconnect(): void;
}

interface Ioredis {
  readonly Redis: new (options: object) => Redis;
  readonly AbstractConnector: new (disconnectMsMax: number) => { connecting: boolean; stream: Duplex };
}

/** Makes a request on each call and resolves to its answer. */
interface Asker {
  /** `place` is that of the loop that asks, from 0. */
  ask(place: number): Promise<string>;
  end(): void;
}

type Net = typeof import('asynctcp/net');

const net: Net | undefined = process.argv[3] === EXPLICIT ? await import('asynctcp/net') : undefined;
const HOST = '127.0.0.1';

function agentAsker(port: number): Asker {
  const agent = new http.Agent({ keepAlive: true, maxSockets: OUTGOING_CONNECTIONS });
  if (net !== undefined) {
    agent.createConnection = () => net.createConnection({ host: HOST, port, noDelay: true });
  }
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = http.get({ host: HOST, port, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('end', () => resolve(text));
      });
      request.on('error', reject);
    });
  return { ask, end: () => agent.destroy() };
}

/** Makes undici's connections. */
function connectForUndici(
  { hostname, port }: { hostname: string; port: string },
  callback: (error: Error | null, socket: Duplex | null) => void,
): void {
  const socket = net?.connect({ host: hostname, port: Number(port), noDelay: true });
  socket?.once('connect', () => callback(null, socket)).once('error', (error) => callback(error, null));
}

function undiciAsker(port: number): Asker {
  const { Agent, request } = library('undici') as Undici;
  const dispatcher = new Agent({
    connections: OUTGOING_CONNECTIONS,
    ...(net === undefined ? {} : { connect: connectForUndici }),
  });
  const url = `http://${HOST}:${port}/`;
  const ask = async (): Promise<string> => (await request(url, { dispatcher })).body.text();
  return { ask, end: () => void dispatcher.destroy() };
}

function fetchAsker(port: number): Asker {
  const url = `http://${HOST}:${port}/`;
  return { ask: async () => (await fetch(url)).text(), end: () => undefined };
}

function redisAsker(port: number): Asker {
  const { Redis, AbstractConnector } = library('ioredis') as Ioredis;
  class Connector extends AbstractConnector {
    connect(): Promise<Duplex> {
      this.connecting = true;
      const stream = net?.connect({ host: HOST, port, noDelay: true }) ?? fault('nothing to connect by');
      this.stream = stream;
      return Promise.resolve(stream);
    }
  }
  // The peer knows nothing but GET. A connection that ends is not made again.
  const bare = { protocol: 2, disableClientInfo: true, enableReadyCheck: false, retryStrategy: () => null };
  const options = { host: HOST, port, ...bare, ...(net === undefined ? {} : { Connector }) };
  const all = Array.from({ length: OUTGOING_CONNECTIONS }, () => new Redis(options));
  return {
    ask: async (place) => (await all[place]?.get('bench')) ?? '',
    end: () => {
      for (const redis of all) redis.disconnect();
    },
  };
}

const ASKERS: Readonly<Record<OutgoingMode, (port: number) => Asker>> = {
  agent: agentAsker,
  undici: undiciAsker,
  fetch: fetchAsker,
  ioredis: redisAsker,
};

async function askUntilStop(asker: Asker, place: number): Promise<void> {
  while ((await asker.ask(place)) !== STOP);
}

/** Makes requests to a port on 127.0.0.1 until the answers are `STOP`. */
export async function ask(mode: OutgoingMode, port: number): Promise<void> {
  const asker = ASKERS[mode](port);
  const loops = Array.from({ length: OUTGOING_CONNECTIONS }, (_, place) => askUntilStop(asker, place));
  await Promise.all(loops);
  asker.end();
}
