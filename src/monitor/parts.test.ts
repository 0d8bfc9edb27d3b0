import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowState } from '../asynctcp/observer.js';
import type { PathFigures } from '../port/tcp-stack.js';
import { ErrorCode } from '../port/error-code.js';
import { UNANSWERED_SEGMENTS, waitsForProgram, whySendingStalls } from './blockage.js';
import { causeName, ErrorCounts, MOST_ERROR_CHARACTERS } from './error-counts.js';
import { EventLog, MOST_EVENTS, MOST_EVENTS_PER_SECOND, MOST_TEXT_CHARACTERS } from './event-log.js';
import { Ring } from './ring.js';
import type { Blockage } from './snapshot.js';
import { MOST_MARKS, UnacknowledgedAge } from './unacknowledged-age.js';

describe('a ring', () => {
  it('keeps the last entries, in order', () => {
    const ring = new Ring<number>(3);
    const kept = [1, 2, 3, 4, 5].map((entry) => {
      ring.add(entry);
      return ring.last(3).join('');
    });
    assert.deepEqual(kept, ['1', '12', '123', '234', '345']);
    assert.deepEqual([ring.size, ring.last(2), ring.last(0), ring.last(9)], [3, [4, 5], [], [3, 4, 5]]);
  });
});

describe('the event log', () => {
  it('numbers its events without gaps, and gives those after a number', () => {
    const log = new EventLog(() => 5);
    log.add('act', 'info', 'one', 7);
    log.add('error', 'error', 'two');
    assert.deepEqual(log.since(0), [
      { id: 1, atMs: 5, kind: 'act', level: 'info', text: 'one', connection: 7 },
      { id: 2, atMs: 5, kind: 'error', level: 'error', text: 'two', connection: null },
    ]);
    assert.deepEqual(
      log.since(1).map(({ text }) => text),
      ['two'],
    );
    assert.deepEqual([log.since(2), log.since(99)], [[], []]);
  });

  it('keeps a bounded number of events', () => {
    const log = new EventLog(() => 0);
    for (let id = 1; id <= MOST_EVENTS + 1; id += 1) {
      log.add('act', 'info', String(id));
      log.second();
    }
    const kept = log.since(0);
    assert.deepEqual([kept.length, kept[0]?.id, kept.at(-1)?.id], [MOST_EVENTS, 2, MOST_EVENTS + 1]);
  });

  it('keeps a bounded number of one kind in a second, and says how many more there were', () => {
    const log = new EventLog(() => 0);
    for (let count = 0; count < MOST_EVENTS_PER_SECOND; count += 1) log.add('error', 'error', 'again');
    log.second();
    assert.equal(log.since(0).length, MOST_EVENTS_PER_SECOND);
    for (let count = 0; count < MOST_EVENTS_PER_SECOND + 3; count += 1) log.add('error', 'error', 'again');
    log.add('act', 'info', 'another kind');
    log.second();
    const more = log.since(2 * MOST_EVENTS_PER_SECOND);
    assert.deepEqual(
      more.map(({ kind, text }) => `${kind} ${text}`),
      ['act another kind', 'error 3 more of these in one second'],
    );
  });
});

it('the text of an event is one line of a bounded length', () => {
  const log = new EventLog(() => 0);
  log.add('error', 'error', `two\nlines ${'x'.repeat(MOST_TEXT_CHARACTERS)}`);
  const [{ text } = { text: '' }] = log.since(0);
  assert.match(text, /^two lines x+$/);
  assert.equal(text.length, MOST_TEXT_CHARACTERS);
});

describe('the counts of errors', () => {
  it('have a row for each cause, the most frequent first, with the last instance', () => {
    const counts = new ErrorCounts();
    counts.add('ERR_RST', 1, 'first');
    counts.add('exception', 2, 'x'.repeat(MOST_ERROR_CHARACTERS + 1));
    counts.add('exception', 3, 'last');
    assert.equal(counts.total, 3);
    assert.deepEqual(counts.figures(), [
      { cause: 'exception', count: 2, lastAtMs: 3, last: 'last' },
      { cause: 'ERR_RST', count: 1, lastAtMs: 1, last: 'first' },
    ]);
  });

  it('cut a long text', () => {
    const counts = new ErrorCounts();
    counts.add('exception', 2, 'x'.repeat(MOST_ERROR_CHARACTERS + 1));
    assert.equal(counts.figures()[0]?.last.length, MOST_ERROR_CHARACTERS);
  });

  it('know a bounded number of causes', () => {
    assert.deepEqual([causeName(ErrorCode.ERR_RST), causeName(ErrorCode.ERR_DNS)], ['ERR_RST', 'ERR_DNS']);
    assert.deepEqual([causeName(-99), causeName(5)], ['other', 'other']);
  });
});

describe('the age of the oldest unacknowledged byte', () => {
  it('is that of the sample in which it was sent first', () => {
    const age = new UnacknowledgedAge();
    age.sample(0, 0, 0);
    assert.equal(age.ms(500), 0);
    age.sample(100, 0, 1000);
    age.sample(300, 50, 2000);
    age.sample(300, 99, 3000);
    assert.equal(age.ms(3000), 2000);
    age.sample(300, 100, 4000);
    assert.equal(age.ms(4000), 2000);
    age.sample(300, 300, 5000);
    assert.equal(age.ms(5000), 0);
  });

  it('is exact up to a bounded number of marks, and too high past them', () => {
    const age = new UnacknowledgedAge();
    for (let second = 1; second <= MOST_MARKS + 1; second += 1) age.sample(second, 0, second * 1000);
    age.sample(MOST_MARKS + 1, MOST_MARKS - 1, 100_000);
    assert.equal(age.ms(100_000), 100_000 - MOST_MARKS * 1000);
    age.sample(MOST_MARKS + 1, MOST_MARKS, 100_000);
    assert.equal(age.ms(100_000), 100_000 - MOST_MARKS * 1000);
    age.sample(MOST_MARKS + 1, MOST_MARKS + 1, 100_000);
    assert.equal(age.ms(100_000), 0);
  });
});

const FLOW: FlowState = {
  unacknowledged: 9000,
  added: 0,
  queued: 0,
  withheld: 0,
  windowBytes: 8192,
  isPaused: false,
  undelivered: 0,
  heardAgoMs: undefined,
  mss: 1460,
  path: undefined,
};
const PATH: PathFigures = {
  mss: 1460,
  heardAgoMs: 100,
  roundTripMs: 1,
  retransmissions: 0,
  peerWindow: 0,
  unanswered: 0,
};

describe('the reason why sending stalls', () => {
  const cases: [why: string, flow: Partial<FlowState>, hasHeard: boolean, blocked: Blockage][] = [
    ['a closed window', { path: PATH }, false, 'peer does not read'],
    [
      'a window without room for a segment',
      { path: { ...PATH, peerWindow: 1459 } },
      false,
      'peer does not read',
    ],
    ['an open window', { path: { ...PATH, peerWindow: 1460 } }, false, 'peer does not answer'],
    [
      'a window with room for all that waits',
      { unacknowledged: 10, path: { ...PATH, peerWindow: 10 } },
      false,
      'peer does not answer',
    ],
    [
      'probes without an answer',
      { path: { ...PATH, unanswered: UNANSWERED_SEGMENTS } },
      false,
      'peer does not answer',
    ],
    [
      'one probe under way',
      { path: { ...PATH, unanswered: UNANSWERED_SEGMENTS - 1 } },
      false,
      'peer does not read',
    ],
    [
      'no window known, and the peer was heard',
      { heardAgoMs: 1999, path: { ...PATH, peerWindow: undefined } },
      false,
      'peer does not read',
    ],
    [
      'no window known, and silence',
      { heardAgoMs: 2000, path: { ...PATH, peerWindow: undefined } },
      false,
      'peer does not answer',
    ],
    ['nothing known, and data has come', {}, true, 'peer does not read'],
    ['nothing known, and silence', {}, false, 'peer takes nothing'],
  ];
  for (const [why, change, hasHeard, blocked] of cases) {
    it(`is '${blocked}' for ${why}`, () => {
      assert.equal(whySendingStalls({ ...FLOW, ...change }, hasHeard, 2000), blocked);
    });
  }
});

describe('received data', () => {
  const cases: [change: Partial<FlowState>, waits: boolean][] = [
    [{}, false],
    [{ isPaused: true }, false],
    [{ isPaused: true, undelivered: undefined }, false],
    [{ isPaused: true, undelivered: 1 }, true],
    [{ withheld: 8192 }, true],
    [{ withheld: 8192 - 1459 }, true],
    [{ withheld: 8192 - 1460 }, false],
    // A segment of the loopback is larger than the window: half of it counts.
    [{ withheld: 4097, mss: 65_483 }, true],
    [{ withheld: 4096, mss: 65_483 }, false],
  ];
  for (const [change, waits] of cases) {
    it(`${waits ? 'waits' : 'does not wait'} for the program with ${JSON.stringify(change)}`, () => {
      assert.equal(waitsForProgram({ ...FLOW, ...change }), waits);
    });
  }
});
