/** The list of what is in flight, and its sums. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type SentSegment, SentList, SentSegmentPool } from './sent-segment.js';
import { seqAdd, seqOf } from './sequence.js';

function sums(list: SentList): Record<string, number> {
  const sum = { count: 0, sacked: 0, lost: 0, resent: 0 };
  let previous: SentSegment | undefined;
  for (let segment = list.first; segment !== undefined; segment = segment.next) {
    assert.equal(segment.previous, previous);
    if (previous !== undefined) assert.equal(segment.start, previous.end);
    previous = segment;
    sum.count += 1;
    if (segment.isSacked) sum.sacked += segment.bytes;
    if (segment.isLost) sum.lost += segment.bytes;
    if (segment.isResent) sum.resent += segment.bytes;
  }
  assert.equal(list.last, previous);
  return sum;
}

function kept(list: SentList): Record<string, number> {
  return { count: list.count, sacked: list.sackedBytes, lost: list.lostBytes, resent: list.resentBytes };
}

function at(list: SentList, index: number): SentSegment | undefined {
  let segment = list.first;
  for (let count = list.count === 0 ? 0 : index % list.count; count > 0; count -= 1) segment = segment?.next;
  return segment;
}

describe('the list of what is in flight', () => {
  it('agrees with its sums after any act', () => {
    const kinds = ['append', 'remove', 'trim', 'split', 'sack', 'lose', 'resend', 'forget'] as const;
    const act = fc.tuple(fc.constantFrom(...kinds), fc.nat(50));
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
        const list = new SentList(new SentSegmentPool());
        let next = seqOf(2 ** 31 - 100);
        for (const [kind, index] of acts) {
          const segment = at(list, index);
          if (kind === 'append') {
            const end = seqAdd(next, 1 + index);
            list.append(next, end, 0);
            next = end;
          } else if (segment === undefined) continue;
          else if (kind === 'remove') list.removeFirst();
          else if (kind === 'trim' && segment === list.first && segment.bytes > 1)
            list.trim(segment, seqAdd(segment.start, 1));
          else if (kind === 'split' && segment.bytes > 1)
            list.split(segment, seqAdd(segment.start, 1 + (index % (segment.bytes - 1))));
          else if (kind === 'sack') list.markSacked(segment);
          else if (kind === 'lose') list.markLost(segment);
          else if (kind === 'resend' && !segment.isSacked) list.markResent(segment, 1);
          else if (kind === 'forget') list.forgetSacks();
          assert.deepEqual(kept(list), sums(list));
        }
        list.clear();
        assert.deepEqual(kept(list), { count: 0, sacked: 0, lost: 0, resent: 0 });
      }),
    );
  });

  it('uses a segment again, as if it were new', () => {
    const list = new SentList(new SentSegmentPool());
    const first = list.append(seqOf(0), seqOf(10), 5);
    list.markLost(first);
    list.markResent(first, 6);
    list.removeFirst();
    const again = list.append(seqOf(10), seqOf(20), 7);
    assert.equal(again, first);
    assert.deepEqual(
      [again.transmissions, again.isLost, again.isResent, again.isSacked],
      [1, false, false, false],
    );
  });
});
