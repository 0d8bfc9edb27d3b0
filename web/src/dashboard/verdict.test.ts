/** The verdict in words, and the connections of the tables. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectionFigures, LinkFigures, ListenerFigures, Snapshot } from 'asynctcp/monitor';
import { blockedOf, filtered, firstOf, isOrder } from './selection.js';
import { verdictOf, whyOf } from './verdict.js';
import { viewOf } from './view.js';

const AT = 1_700_000_000_000;
const OWN_PORT = 7080;

function connection(id: number, more: Partial<ConnectionFigures> = {}): ConnectionFigures {
  return {
    id,
    direction: 'in',
    listener: 1,
    stack: 'kernel',
    localAddress: '192.0.2.1',
    localPort: 7007,
    remoteAddress: '198.51.100.7',
    remotePort: 50_000 + id,
    state: 'Established',
    openedAtMs: AT - 1000 * id,
    bytesIn: 0,
    bytesOut: 0,
    inPerS: 0,
    outPerS: 0,
    unacknowledged: 0,
    queued: 0,
    withheld: 0,
    paused: false,
    oldestUnacknowledgedMs: 0,
    heardAgoMs: null,
    peerWindow: null,
    roundTripMs: null,
    retransmissions: null,
    blocked: null,
    blockedAtMs: null,
    ...more,
  };
}

function stuck(id: number, more: Partial<ConnectionFigures> = {}): ConnectionFigures {
  const figures = {
    blocked: 'peer does not read',
    blockedAtMs: AT - 42_000,
    unacknowledged: 65_536,
  } as const;
  return connection(id, { ...figures, ...more });
}

function listener(port: number, why: string | null = null): ListenerFigures {
  const counts = { clients: 0, maxClients: null, accepted: 0, refused: 0, sinceAtMs: AT };
  return { id: port, stack: 'kernel', address: '192.0.2.1', port, accepting: why === null, why, ...counts };
}

function link(state: LinkFigures['state']): LinkFigures {
  const counts = { attempts: 1, ups: 0, losses: 0, sinceAtMs: AT, retryInMs: null, lastFailure: null };
  return { name: 'broker', host: '203.0.113.1', port: 1883, state, ...counts };
}

function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  const { connections = [] } = more;
  const totals = {
    connections: connections.length,
    mostConnections: 9,
    limit: null,
    accepted: 9,
    connected: 0,
    closed: 0,
    refused: 0,
    bytesIn: 0,
    bytesOut: 0,
    errors: 0,
    unacknowledged: 0,
    sendBudget: 0,
  };
  const task = {
    core: -1,
    priority: 3,
    stackWords: null,
    stackHighWaterMark: null,
    callbacks: [],
    bites: [],
  };
  const empty = { atMs: AT, sinceAtMs: AT, listeners: [listener(7007)], errors: [], links: [] };
  return { ...empty, totals, connections, task, ...more };
}

function verdict(more: Partial<Snapshot>): { level: string; text: string } {
  const given = snapshot(more);
  const { level, text } = verdictOf(given, blockedOf(given.connections, OWN_PORT), OWN_PORT);
  return { level, text };
}

describe('the verdict', () => {
  it('is well while all listeners accept and nothing is stuck', () => {
    assert.deepEqual(verdict({}), { level: 'well', text: 'Accepting. No connection is stuck.' });
  });

  it('names the connection that is stuck, and the side that does not move', () => {
    const cases = [
      ['peer does not read', '198.51.100.7:50001 does not read.'],
      ['peer does not answer', '198.51.100.7:50001 does not answer.'],
      ['peer takes nothing', '198.51.100.7:50001 takes nothing.'],
      ['program does not read', 'this program does not read from 198.51.100.7:50001.'],
    ] as const;
    for (const [blocked, text] of cases) {
      const said = verdict({ connections: [connection(2), stuck(1, { blocked })] });
      assert.deepEqual(said, { level: 'strained', text: `Accepting. 1 connection is stuck: ${text}` });
    }
  });

  it('leaves out a page of the dashboard that does not read, as in a browser that sleeps', () => {
    const connections = [stuck(1, { localPort: OWN_PORT })];
    assert.deepEqual(verdict({ connections }), { level: 'well', text: 'Accepting. No connection is stuck.' });
  });

  it('names three of many, those that are stuck longest', () => {
    const connections = [1, 2, 3, 4, 5].map((id) => stuck(id, { blockedAtMs: AT - 1000 * id }));
    const said = verdictOf(snapshot({ connections }), blockedOf(connections, OWN_PORT), OWN_PORT);
    assert.equal(said.text, 'Accepting. 5 connections are stuck.');
    assert.deepEqual(
      said.stuck.map(({ id }) => id),
      [5, 4, 3],
    );
  });

  it('has no figure in its text that changes each second, which a screen reader would say each time', () => {
    const connections = [stuck(1)];
    const later = { ...snapshot({ connections }), atMs: AT + 1000 };
    const texts = [snapshot({ connections }), later].map(
      (given) => verdictOf(given, blockedOf(connections, OWN_PORT), OWN_PORT).text,
    );
    assert.equal(texts[0], texts[1]);
  });

  it('names the listeners that do not accept, and why', () => {
    const said = verdict({ listeners: [listener(7007), listener(7009, 'full')] });
    assert.deepEqual(said, {
      level: 'strained',
      text: 'Not accepting on 192.0.2.1:7009 (full). No connection is stuck.',
    });
  });

  it('fails if no listener accepts: that of the dashboard itself does not count', () => {
    const said = verdict({ listeners: [listener(7007, 'no descriptors'), listener(OWN_PORT)] });
    assert.equal(said.level, 'failed');
    assert.match(said.text, /^Not accepting: 192\.0\.2\.1:7007 \(no descriptors\)\./);
  });

  it('lets be a server that has ended, as long as another one is there', () => {
    assert.equal(verdict({ listeners: [listener(7007), listener(7009, 'ended')] }).level, 'well');
    assert.equal(verdict({ listeners: [listener(7009, 'ended')] }).level, 'failed');
    assert.match(verdict({ listeners: [] }).text, /^No server listens\./);
  });

  it('names a link that is down', () => {
    assert.equal(verdict({ links: [link('up')] }).level, 'well');
    const said = verdict({ links: [link('up'), link('waiting')] });
    assert.deepEqual(said, { level: 'strained', text: 'Accepting. The link broker is down.' });
  });
});

describe('the reason of a blockage', () => {
  it('is a closed window, with the time and the bytes', () => {
    const closed =
      "The peer's program has not read for 42 s: its receive window is closed, and 65.5 kB wait for it here.";
    assert.equal(whyOf(stuck(1, { peerWindow: 0 }), AT), closed);
    assert.equal(whyOf(stuck(1), AT), closed);
    assert.match(whyOf(stuck(1, { peerWindow: 100 }), AT), /its receive window has only 100 B/);
  });

  it('is silence, with what was sent again and when the peer was last heard of', () => {
    const silent = stuck(1, { blocked: 'peer does not answer', retransmissions: 6, heardAgoMs: 44_000 });
    const text = whyOf(silent, AT);
    assert.match(text, /on the way, sent again 6 times; it was last heard of 44 s ago\. It is gone/);
    assert.doesNotMatch(whyOf({ ...silent, retransmissions: null, heardAgoMs: null }, AT), /again|heard/);
  });

  it('says that it is not known where the stack does not know', () => {
    assert.match(whyOf(stuck(1, { blocked: 'peer takes nothing' }), AT), /the stack does not know which/);
  });

  it('is this program, which has paused or owes an acknowledgement', () => {
    const own = { blocked: 'program does not read', withheld: 5744 } as const;
    assert.match(whyOf(stuck(1, { ...own, paused: true }), AT), /has paused reading, and 5\.74 kB wait/);
    assert.match(whyOf(stuck(1, own), AT), /has not acknowledged what it got, and 5\.74 kB wait/);
    assert.match(whyOf(stuck(1, { ...own, withheld: 0, paused: true }), AT), /and data waits for it/);
  });
});

describe('the connections of a table', () => {
  const many = Array.from({ length: 500 }, (_, at) => connection(at + 1, { inPerS: (at * 7919) % 500 }));

  it('are the first of an order, those that are equal as they are given', () => {
    const first = firstOf(many, 'traffic', 3).map(({ inPerS }) => inPerS);
    assert.deepEqual(first, [499, 498, 497]);
    const equal = [3, 1, 2].map((id) => connection(id));
    assert.deepEqual(firstOf(equal, 'bytes', 2), equal.slice(0, 2));
    assert.deepEqual(
      firstOf(many, 'age', 2).map(({ id }) => id),
      [500, 499],
    );
  });

  it('have orders that are known, and no other member of an object', () => {
    assert.ok(isOrder('rtt'));
    assert.equal(isOrder('constructor'), false);
  });

  it('fit each word of a filter', () => {
    const given = [
      connection(1),
      connection(2, { localPort: 1883 }),
      stuck(3, { remoteAddress: '2001:db8::5' }),
    ];
    const found = (filter: string): number[] => filtered(given, filter).map(({ id }) => id);
    assert.deepEqual(found(''), [1, 2, 3]);
    assert.deepEqual(found(':1883'), [2]);
    assert.deepEqual(found('DB8'), [3]);
    assert.deepEqual(found('established 198.51'), [1, 2]);
    assert.deepEqual(found('not read'), [3]);
    assert.deepEqual(found('#2'), [2]);
    assert.deepEqual(found('#2 db8'), []);
  });

  it('stay as few as they are bounded to, with 10,000 connections of which all are stuck', () => {
    const connections = Array.from({ length: 10_000 }, (_, at) => stuck(at + 1));
    const text = JSON.stringify(viewOf(snapshot({ connections }), { title: 'x', ownPort: OWN_PORT }));
    assert.ok(text.length < 120_000, `${text.length} characters`);
  });
});
