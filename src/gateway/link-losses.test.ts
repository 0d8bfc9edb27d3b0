/** 10,000 losses of a link in virtual time leave nothing behind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { queryObjects } from 'node:v8';
import { AsyncClient } from '../asynctcp/async-client.js';
import { AsyncServer } from '../asynctcp/async-server.js';
import { Session } from '../asynctcp/session.js';
import { socketUsers } from '../asynctcp/thread-registry.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { LinkKeeper } from './link-keeper.js';
import { linkReports } from './link-report.js';

const PORT = 7;
const LOSSES = 10_000;
/** Clients and sessions that may be left: those of the present connection, and a few that a timer holds. */
const MOST_LEFT = 10;
/** Loses the link's connection. Returns a function that heals what it broke. */
type Loss = (stack: MemoryStack, link: LinkKeeper, peer: AsyncClient) => () => unknown;

const healed = (): undefined => undefined;

const WAYS: readonly Loss[] = [
  (_stack, _link, peer) => (peer.close(), healed),
  (_stack, _link, peer) => (peer.abort(), healed),
  (_stack, link) => (link.client?.close(), healed),
  (_stack, link) => (link.client?.abort(), healed),
  (stack) => (stack.reset({ port: PORT }), healed),
  // No acknowledgement.
  (stack, link) => {
    const heal = stack.cut({ port: PORT });
    link.client?.write('lost');
    return heal;
  },
  // No sign of life.
  (stack) => stack.cut({ port: PORT }),
  // A peer that does not read.
  (_stack, link, peer) => {
    peer.pause();
    while (link.client?.canSend() === true) link.client.write(new Uint8Array(1000));
    return healed;
  },
  // The link comes back only after attempts that fail.
  (stack, _link, peer) => {
    const heal = stack.refuse({ port: PORT });
    peer.close();
    return heal;
  },
];

describe('a link that is lost 10,000 times', () => {
  it('leaves no connection, attempt, timer, socket user, report or memory behind', async () => {
    const stack = new MemoryStack({ sendBufferBytes: 2000, receiveWindowBytes: 2000 });
    const server = new AsyncServer(PORT, { stack });
    let peer: AsyncClient | undefined;
    server.onClient((client) => {
      peer = client;
    });
    // The server's end of a link that was cut learns of it in no other way.
    server.defaults({ keepAlive: { ms: 1000, count: 3 } });
    await server.begin();
    const link = new LinkKeeper('127.0.0.1', PORT, {
      stack,
      rxTimeoutS: 7,
      ackTimeoutMs: 2000,
      stalledWriteMs: 4000,
      keepAlive: { ms: 1000, count: 3 },
      backoff: { firstMs: 100, capMs: 1000 },
    });
    const timersBefore = stack.holdings().timers;
    link.start();
    const lose = async (upTo: number): Promise<void> => {
      while (link.statistics().losses < upTo) {
        const { losses } = link.statistics();
        if (link.client === undefined || peer === undefined) {
          await stack.run(50);
          continue;
        }
        const way = WAYS[losses % WAYS.length] ?? assert.fail();
        const heal = way(stack, link, peer);
        await stack.run(10_000);
        heal();
        assert.equal(link.statistics().losses > losses, true, `the way ${losses % WAYS.length} loses it`);
      }
    };
    await lose(LOSSES);
    for (const kind of [AsyncClient, Session]) {
      const count = queryObjects(kind, { format: 'count' });
      assert.ok(count <= MOST_LEFT, `${count} objects of ${kind.name} are left`);
    }
    assert.ok(socketUsers().length <= 3, 'a server, and the two ends of one connection');
    assert.equal(linkReports().length, 1);
    const { attempts, ups, losses } = link.statistics();
    assert.ok(attempts > ups && ups >= losses && losses >= LOSSES, `${attempts}, ${ups}, ${losses}`);
    await link.end({ client: 'abort' });
    await server.end({ clients: 'abort' });
    await stack.settle();
    const nothing = { connections: 0, attempts: 0, listeners: 0, lingering: 0, timers: timersBefore };
    assert.deepEqual(stack.holdings(), nothing);
    assert.deepEqual([socketUsers().length, linkReports().length], [0, 0]);
    assert.equal(stack.clock.alarms, 0);
  });
});
