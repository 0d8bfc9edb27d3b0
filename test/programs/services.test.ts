/** Clients of brokers and databases, with Debian's servers as their peers. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { unlessInstalled, type Peer } from '../e2e/programs.js';
import { HANGS_MS } from '../e2e/programs/inline.js';
import { startMariadb, startMosquitto, startPostgres, startRedis } from './services.js';
import { inEachWay, runClient } from './ways.js';

interface Service {
  readonly client: string;
  readonly peers: readonly Peer[];
  readonly start: (test: TestContext) => Promise<number>;
  readonly output: readonly string[];
}

const SERVICES: readonly Service[] = [
  {
    client: 'ioredis',
    peers: ['redis-server'],
    start: startRedis,
    output: ['the counter is 100', 'the megabyte came back', 'heard news: hello'],
  },
  {
    client: 'mqtt',
    peers: ['mosquitto'],
    start: startMosquitto,
    output: ['49 clients got every message'],
  },
  {
    client: 'pg',
    peers: ['initdb', 'postgres'],
    start: startPostgres,
    output: ['50 connections were answered', 'the megabyte came back', 'heard news: hello'],
  },
  {
    client: 'mysql2',
    peers: ['mariadb-install-db', 'mariadbd'],
    start: startMariadb,
    output: ['50 connections were answered', 'the megabyte came back'],
  },
];

describe('clients of brokers and databases', { timeout: HANGS_MS }, () => {
  for (const { client, peers, start, output } of SERVICES) {
    it(
      `get right answers in 50 connections, and a megabyte: ${client}`,
      { skip: unlessInstalled(...peers) },
      async (test) => {
        const port = await start(test);
        await inEachWay(test, async (inner, way) => {
          assert.deepEqual(await runClient(inner, way, client, port), output);
        });
      },
    );
  }
});
