/** Random segments and bytes: nothing throws, no invariant breaks, and every connection can be ended. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TcpConnection } from '#src/netstack/tcp/connection.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import { Random } from '../support/random.js';
import { Bed, LOCAL, PEER, readAll, type Peer, type PeerSegment } from './bed.js';
import { packetOf } from './packets.js';

const RUNS = 120;
const SEGMENTS = 80;
const seeds = fc.integer({ min: 1, max: 1_000_000_000 });

/** Returns a number close to one of the places that count, or anywhere. */
function near(random: Random, ...places: readonly [number, ...number[]]): number {
  if (random.isOneIn(20)) return random.whole(-(2 ** 31), 2 ** 31 - 1);
  return random.pick(places) + (random.isOneIn(2) ? 0 : random.whole(-3, 3) * random.size(3000));
}

function segmentOf(random: Random, peer: Peer, c: TcpConnection | undefined): PeerSegment {
  const nxt = c === undefined ? peer.nxt : (c.rcvNxt - peer.iss) | 0;
  const edge = c === undefined ? peer.nxt : (c.rcvEdge - peer.iss) | 0;
  const una = c === undefined ? 0 : peer.relative(c.sndUna);
  const sent = c === undefined ? 0 : peer.relative(c.sndNxt);
  const flags = ['S', 'SA', 'A', 'A', 'A', 'PA', 'PA', 'FA', 'FPA', 'R', 'RA', 'F', 'SF', 'UA', ''] as const;
  const block = (): [number, number] => {
    const start = near(random, una, sent);
    return [start, start + random.size(4000)];
  };
  return {
    flags: random.isOneIn(3) ? random.pick(flags) : 'PA',
    seq: near(random, nxt, edge, 0),
    ack: near(random, una, sent, sent),
    window: random.pick([0, 1, 500, 5000, 65_535]),
    ...(random.isOneIn(3) ? {} : { data: random.size(3000) }),
    ...(random.isOneIn(3) ? { sack: Array.from({ length: random.whole(1, 3) }, block) } : {}),
    ...(random.isOneIn(6) ? { timestamps: [random.whole(0, 10_000), random.whole(0, 10_000)] as const } : {}),
  };
}

function act(random: Random, c: TcpConnection): void {
  const choice = random.whole(0, 11);
  if (choice < 5) {
    c.write(new Uint8Array(random.size(5000)));
    c.push();
  } else if (choice < 8) readAll(c);
  else if (choice === 8) c.setNoDelay(random.isOneIn(2));
  else if (choice === 9 && random.isOneIn(4)) c.shutdown();
  else if (choice === 10 && random.isOneIn(4)) c.close(random.isOneIn(2));
  else if (random.isOneIn(3)) c.setKeepAlive(random.whole(0, 3000), 500, 2);
}

function play(seed: number): void {
  const random = new Random(seed);
  const profile = random.pick(['linux', 'linux', 'esp32', 'lwip']);
  const bed = new Bed({ profile, seed, nowMs: random.whole(0, 17_000_000) });
  const listener = bed.listen(80);
  const iss = random.whole(-(2 ** 31), 2 ** 31 - 1);
  const options = {
    sack: random.isOneIn(2),
    timestamps: random.isOneIn(3),
    scale: random.isOneIn(2) ? 7 : undefined,
  };
  const peer = bed.peer({ port: 80, iss, ...options });
  let c: TcpConnection | undefined;
  if (random.isOneIn(3)) c = bed.connect(5000, 80 + 1);
  const far = c === undefined ? peer : bed.peer({ port: 81, iss, ...options });
  far.syn(c === undefined ? {} : { flags: random.isOneIn(3) ? 'S' : 'SA', ack: 1 });
  far.takeUnread();
  if (c === undefined && !random.isOneIn(4)) {
    far.ackAll();
    c = bed.accept(listener);
  }
  for (let count = 0; count < SEGMENTS; count += 1) {
    far.send(segmentOf(random, far, c));
    if (random.isOneIn(3)) bed.run(random.size(3000));
    if (c !== undefined && random.isOneIn(3)) act(random, c);
    bed.settle();
  }
  for (const connection of bed.tcp) {
    if (connection.state !== TcpState.TIME_WAIT) connection.abort();
  }
  bed.run(200_000);
  assert.equal(bed.tcp.connections + bed.tcp.inTimeWait, 0);
  assert.equal(bed.stack.nextDeadlineMs(), Infinity);
}

describe('random segments', () => {
  it('break no invariant in any state', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        play(seed);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});

describe('random bytes', () => {
  const base = packetOf({
    source: PEER[4],
    destination: LOCAL[4],
    sourcePort: 5000,
    destinationPort: 80,
    seq: 1,
    ack: 1,
    flags: 'A',
    window: 1000,
    options: [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9],
    data: new Uint8Array(20),
  });

  it('never throw, and what is dropped is counted', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(70),
        (changes, cut) => {
          const bed = new Bed();
          bed.listen(80);
          const packet = base.slice(0, base.length - cut);
          for (const [at, byte] of changes) if (at < packet.length) packet[at] = byte;
          bed.receive(packet);
          const dropped = [...bed.stack.counters.drops.values(), ...bed.tcp.counters.dropped.values()];
          const sum = dropped.reduce((total, count) => total + count, 0);
          assert.equal(sum, 1, 'the packet is dropped, with one reason');
        },
      ),
      { numRuns: 500 },
    );
  });

  it('as options never throw, and are read up to what is wrong', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255), { maxLength: 40 }), (options) => {
        const bed = new Bed();
        bed.listen(80);
        const peer = bed.peer({ port: 80 });
        peer.syn({ options });
        const answers = peer.sent().length;
        assert.equal(answers + bed.dropped('options'), 1);
      }),
      { numRuns: 500 },
    );
  });
});
