/** Sequence numbers run over 2^31 and 2^32 (RFC 9293 §3.4). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkInvariants } from '#src/netstack/tcp/invariants.js';
import { seqAdd } from '#src/netstack/tcp/sequence.js';
import { Random } from '../support/random.js';
import { Bed, established, readAll, streamText, write } from './bed.js';

const TICKS_IN_MS = 250;
const PORT = 80;
const MOST_ROUNDS = 5000;

/** Returns the time at which the host chooses `iss`, or a number close to it (RFC 6528: the clock counts). */
function timeOf(iss: number): number {
  const bed = new Bed();
  bed.listen(PORT);
  bed.peer({ port: PORT }).syn();
  const atZero = bed.sent[0]?.seq ?? 0;
  return ((iss - atZero) >>> 0) / TICKS_IN_MS;
}

describe('a stream', () => {
  for (const [name, edge] of [
    ['2^31', 2 ** 31],
    ['2^32', 2 ** 32],
  ] as const) {
    for (const sack of [false, true]) {
      it(`to the peer crosses ${name} with losses, ${sack ? 'with' : 'without'} SACK`, () => {
        const { bed, c, peer } = established({ nowMs: timeOf(edge - 4000), mss: 1000, sack, rttMs: 20 });
        assert.ok(Math.abs(((peer.hostIss ?? 0) - (edge - 4000)) | 0) < 10);
        const random = new Random(edge);
        let written = 0;
        const arrived = new Set<number>();
        for (let round = 0; round < MOST_ROUNDS && (written < 20_000 || c.unacknowledged() > 0); round += 1) {
          written += write(bed, c, Math.min(2500, 20_000 - written));
          bed.run(10);
          for (const segment of peer.takeSent()) {
            if (random.isOneIn(4)) continue;
            for (let at = 0; at < segment.data.length; at += 1) arrived.add(peer.relative(segment.seq) + at);
          }
          let next = 1;
          while (arrived.has(next)) next += 1;
          peer.ack(next);
          bed.run(next > written ? 0 : 50);
        }
        assert.equal(arrived.size, 20_000);
        assert.equal(c.unacknowledged(), 0);
      });
    }

    it(`from the peer crosses ${name} out of order`, () => {
      const { c, peer } = established({ iss: (edge - 2000) | 0, sack: true });
      for (const seq of [1001, 3001, 2001, 1, 4001]) peer.send({ seq, data: 1000 });
      assert.equal(readAll(c), streamText(1, 5001));
      assert.equal(peer.sent().at(-1), 'A 1 ack 5001');
      peer.send({ flags: 'FA' });
      assert.ok(c.hasEnded());
    });

    it(`of the peer ends at ${name}, and the handshake lies across it`, () => {
      for (const offset of [0, 1, 2]) {
        const { c, peer } = established({ iss: (edge - offset) | 0 });
        peer.send({ flags: 'FPA', data: 'x' });
        assert.ok(c.isFinReceived);
        assert.deepEqual(peer.sent(), ['A 1 ack 3']);
      }
    });
  }
});

describe('the invariants', () => {
  it('hold for a connection that has sent 2 GiB, or 4 GiB, and a byte more or less', () => {
    for (const sent of [2 ** 31, 2 ** 32]) {
      for (const more of [-1, 0, 1]) {
        const { bed, c, peer } = established();
        c.iss = seqAdd(c.sndUna, -(sent + more));
        write(bed, c, 10);
        checkInvariants(c);
        peer.ackAll();
        checkInvariants(c);
      }
    }
  });
});
