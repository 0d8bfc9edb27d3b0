/**
 * A program runs the event loop within a callback, as some addons do: no callback comes within another one,
 * and events that happened meanwhile are reported afterwards.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AsyncServer, type AsyncClient } from 'asynctcp';
import { pattern, PatternReader } from '../contract/pattern.js';
import { HANGS_MS } from '../support/form.js';
import { injectingAddon, unlessInjectingAddonLoads } from './injecting-addon.js';
import { Testbed } from './testbed.js';

const PEERS = 5;
const BYTES = 30_000;
const RUNS = 20;

describe(
  'the loop runs inside of a callback',
  { skip: unlessInjectingAddonLoads(), timeout: HANGS_MS },
  () => {
    let testbed: Testbed;
    let server: AsyncServer;
    let holdings: string;
    let depth = 0;
    const peers: Socket[] = [];
    const readers = new Map<AsyncClient, PatternReader>();
    const over = new Set<AsyncClient>();
    /** Runs once, in the first callback of that kind. */
    let inside: { readonly kind: string; readonly job: (client: AsyncClient) => void } | undefined;

    /** Runs as a callback of the library, and checks that it does not come within another one. */
    function callback(kind: string, client: AsyncClient, job: () => void = () => undefined): void {
      assert.equal(depth, 0, `${kind} inside of another callback`);
      depth += 1;
      job();
      if (inside?.kind === kind) {
        const { job: once } = inside;
        inside = undefined;
        once(client);
      }
      depth -= 1;
    }

    beforeEach(async () => {
      testbed = new Testbed(injectingAddon());
      holdings = testbed.holdings();
      server = new AsyncServer('127.0.0.1', 0, { stack: testbed.stack });
      server.onClient((client) => {
        const reader = new PatternReader(3);
        callback('client', client, () => readers.set(client, reader));
        client.onData((_, data) => callback('data', client, () => reader.take(data)));
        client.onPoll(() => callback('poll', client));
        client.onDisconnect(() => callback('disconnect', client, () => over.add(client)));
      });
      await server.begin();
      for (let count = 0; count < PEERS; count += 1) {
        const socket = connect(server.port(), '127.0.0.1');
        socket.on('error', () => undefined);
        peers.push(socket);
      }
      assert.ok(await testbed.holds(() => readers.size === PEERS));
    });

    afterEach(async () => {
      for (const peer of peers.splice(0)) peer.destroy();
      assert.ok(await testbed.holds(() => over.size === PEERS));
      await server.end();
      assert.ok(await testbed.holds(() => testbed.holdings() === holdings), testbed.holdings());
      readers.clear();
      over.clear();
    });

    function runLoop(): void {
      for (let run = 0; run < RUNS; run += 1) testbed.addon.runLoop();
    }

    /** All peers send; `node:net` hands the bytes to the kernel at once. */
    function speak(from: number): void {
      for (const peer of peers) peer.write(pattern(3, from, BYTES));
    }

    async function allCame(bytes: number): Promise<void> {
      assert.ok(await testbed.holds(() => [...readers.values()].every((reader) => reader.bytes >= bytes)));
      for (const reader of readers.values()) assert.deepEqual([reader.bytes, reader.matches], [bytes, true]);
    }

    it('of the socket’s own: events of the same poll and of later ones come once, in order', async () => {
      inside = {
        kind: 'data',
        job: () => {
          speak(BYTES);
          runLoop();
        },
      };
      speak(0);
      await allCame(2 * BYTES);
    });

    it('of a timer: records that were polled meanwhile are kept, and no later one overtakes them', async () => {
      let cameInside = 0;
      inside = {
        kind: 'poll',
        job: () => {
          speak(0);
          runLoop();
          speak(BYTES);
          runLoop();
          for (const reader of readers.values()) cameInside += reader.bytes;
        },
      };
      assert.ok(await testbed.holds(() => inside === undefined));
      assert.equal(cameInside, 0);
      await allCame(2 * BYTES);
    });

    it('of a timer that ends connections: their events are dropped', async () => {
      let aborted: AsyncClient | undefined;
      inside = {
        kind: 'poll',
        job: (client) => {
          aborted = client;
          speak(0);
          runLoop();
          // Events of this connection were polled already and wait to be reported.
          client.abort();
        },
      };
      assert.ok(await testbed.holds(() => inside === undefined));
      assert.ok(
        await testbed.holds(() =>
          [...readers].every(([client, { bytes }]) => client === aborted || bytes === BYTES),
        ),
      );
      for (const [client, reader] of readers) {
        assert.deepEqual([reader.bytes, reader.matches], [client === aborted ? 0 : BYTES, true]);
      }
    });
  },
);
