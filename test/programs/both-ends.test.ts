/** Libraries for both ends: the server of each way, with a client on node:net and one of the same way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HANGS_MS } from '../e2e/programs/inline.js';
import { endServer, inEachWay, PLAIN, runClient, startServer } from './ways.js';

interface Pair {
  readonly server: string;
  readonly client: string;
  /** The client's argument for a port. */
  readonly target: (port: number) => string;
  readonly output: readonly string[];
}

const PAIRS: Readonly<Record<string, Pair>> = {
  ws: {
    server: 'ws-server',
    client: 'ws-client',
    target: (port) => `ws://127.0.0.1:${port}`,
    output: ['50 clients got every message back'],
  },
  'Socket.IO': {
    server: 'socket-io',
    client: 'socket-io-client',
    target: (port) => `http://127.0.0.1:${port}`,
    output: ['50 clients heard each other', 'the megabyte came back'],
  },
  'grpc-js': {
    server: 'grpc-server',
    client: 'grpc-client',
    target: String,
    output: ['51 calls were answered', "the stream's sum is 499500"],
  },
  'aedes and MQTT.js': {
    server: 'aedes',
    client: 'mqtt',
    target: String,
    output: ['49 clients got every message'],
  },
};

describe('both ends of a protocol', { timeout: HANGS_MS }, () => {
  for (const [name, { server: serverName, client, target, output }] of Object.entries(PAIRS)) {
    it(`understand each other, in 50 connections and with a megabyte: ${name}`, (test) =>
      inEachWay(test, async (inner, way) => {
        const { server, port } = await startServer(inner, way, serverName);
        for (const clientWay of new Set([PLAIN, way])) {
          assert.deepEqual(await runClient(inner, clientWay, client, target(port)), output);
        }
        await endServer(server);
      }));
  }
});
