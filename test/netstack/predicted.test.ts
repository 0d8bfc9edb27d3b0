/**
 * The short way for expected segments (src/netstack/tcp/predicted.ts) does what the long way does: a host
 * that gets the same segments with a bit of ECN, which no host here minds, takes the long way for all of
 * them.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../support/random.js';
import { established, readAll, write, type Conversation } from './bed.js';

const RUNS = 400;
const STEPS = 60;
const profiles = ['linux', 'esp32'] as const;

function play({ bed, c, peer }: Conversation, seed: number, mark: string): unknown[] {
  const random = new Random(seed);
  const seen: unknown[] = [];
  const acts = [
    () => {
      peer.send({ flags: `PA${mark}`, data: random.whole(1, 1460) });
    },
    () => {
      peer.send({ flags: `A${mark}` });
    },
    () => {
      const ack = Math.max(1, peer.rcvNxt - random.whole(0, 3000));
      peer.send({ flags: `A${mark}`, ack, ...(random.isOneIn(2) && { data: random.whole(1, 100) }) });
    },
    () => {
      peer.send({ flags: `A${mark}`, seq: peer.nxt + random.whole(-2000, 3000), data: random.whole(1, 500) });
    },
    () => {
      peer.send({ flags: `A${mark}`, window: random.pick([0, 100, 5000, 60_000]) });
    },
    () => {
      if (random.isOneIn(8)) peer.send({ flags: `FA${mark}`, data: random.whole(0, 20) });
    },
    () => seen.push(write(bed, c, random.whole(1, 6000))),
    () => seen.push(readAll(c).length),
    () => {
      bed.run(random.pick([1, 10, 50, 300]));
    },
    () => {
      if (random.isOneIn(10)) c.shutdown();
    },
    () => {
      if (random.isOneIn(20)) c.close(random.isOneIn(2));
    },
  ] as const;
  for (let step = 0; step < STEPS; step += 1) {
    random.pick(acts)();
    seen.push(
      ...bed.takeEvents(),
      ...peer.sent(),
      bed.sent.at(-1)?.read,
      bed.nowMs,
      c.heardAgoMs(),
      c.info(),
    );
  }
  return seen;
}

for (const profile of profiles) {
  it(`a host with the profile '${profile}' acts the same in both ways`, () => {
    fc.assert(
      fc.property(fc.nat(), fc.boolean(), fc.boolean(), (seed, sack, timestamps) => {
        const options = { profile, sack, timestamps, scale: 3, rttMs: 10 };
        const expected = play(established(options), seed, 'E');
        assert.deepEqual(play(established(options), seed, ''), expected);
      }),
      { numRuns: RUNS },
    );
  });
}
