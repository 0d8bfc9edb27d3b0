import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CREDIT_BYTES, SendBudget, SHARE_BYTES, UNREAD_BYTES } from './send-budget.js';

const MIB = 1_048_576;
const BUDGET_BYTES = 256 * MIB;
/** Half of the budget: bound of all excess together. */
const MOST_EXCESS_BYTES = BUDGET_BYTES / 2;
/** Up to this excess every connection may have as much excess of its own. */
const LOW_BYTES = MOST_EXCESS_BYTES / 4;
const BUFFER_BYTES = 4 * MIB;
/** Connections whose shares fill the other half of the budget. */
const MANY = MOST_EXCESS_BYTES / SHARE_BYTES;

/** A connection that never has more bytes in flight than `capacity` allows. */
class Sender {
  readonly #budget: SendBudget;
  readonly #bufferBytes: number;
  unacknowledged = 0;
  acked = 0;

  constructor(budget: SendBudget, bufferBytes = BUFFER_BYTES) {
    this.#budget = budget;
    this.#bufferBytes = bufferBytes;
  }

  get capacity(): number {
    return this.#budget.capacity(this.#bufferBytes, this.acked);
  }

  /** Sends at most `bytes`, as far as the budget allows, and returns how many. */
  send(bytes = Number.POSITIVE_INFINITY): number {
    const taken = Math.min(bytes, Math.max(0, this.capacity - this.unacknowledged));
    this.#change(taken);
    return taken;
  }

  ack(bytes: number): void {
    const fewer = Math.min(bytes, this.unacknowledged);
    this.acked += fewer;
    this.#change(-fewer);
  }

  #change(bytes: number): void {
    this.#budget.changed(this.unacknowledged, this.unacknowledged + bytes);
    this.unacknowledged += bytes;
  }
}

/** Adds connections whose excess is `bytes` together. */
function crowdWithExcess(budget: SendBudget, bytes: number): void {
  budget.changed(0, SHARE_BYTES + bytes);
}

const sum = (senders: readonly Sender[]): number =>
  senders.reduce((total, { unacknowledged }) => total + unacknowledged, 0);

describe('credit', () => {
  it('is reserved until an eighth of all excess is in use, and comes back', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    const most = Math.floor(MOST_EXCESS_BYTES / 8 / CREDIT_BYTES);
    for (let count = 0; count < most; count += 1) assert.equal(budget.lendCredit(), true);
    assert.equal(budget.lendCredit(), false);
    assert.equal(budget.excessBytes, most * CREDIT_BYTES);
    budget.returnCredit();
    assert.equal(budget.excessBytes, (most - 1) * CREDIT_BYTES);
    assert.equal(budget.lendCredit(), true);
  });

  it('is part of the share of the connection that has it', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    const share = SHARE_BYTES + CREDIT_BYTES;
    budget.lendCredit();
    budget.changed(0, share, share);
    assert.equal(budget.excessBytes, CREDIT_BYTES);
    budget.changed(share, share + 1, share);
    assert.equal(budget.excessBytes, CREDIT_BYTES + 1);
  });
});

describe('the excess', () => {
  it('begins one byte past the share, and is counted both ways', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    budget.changed(0, SHARE_BYTES);
    assert.equal(budget.excessBytes, 0);
    budget.changed(SHARE_BYTES, SHARE_BYTES + 1);
    assert.equal(budget.excessBytes, 1);
    budget.changed(SHARE_BYTES + 1, SHARE_BYTES + 100);
    assert.equal(budget.excessBytes, 100);
    budget.changed(SHARE_BYTES + 100, SHARE_BYTES - 1);
    budget.changed(SHARE_BYTES - 1, 0);
    assert.equal(budget.excessBytes, 0);
  });

  it('of all connections together is half of the budget at most, to the last byte', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    const reader = UNREAD_BYTES + BUFFER_BYTES;
    crowdWithExcess(budget, MOST_EXCESS_BYTES - 2);
    assert.equal(budget.capacity(BUFFER_BYTES, reader), SHARE_BYTES + 1);
    crowdWithExcess(budget, 1);
    assert.equal(budget.capacity(BUFFER_BYTES, reader), SHARE_BYTES);
    crowdWithExcess(budget, 1);
    assert.equal(budget.excessBytes, MOST_EXCESS_BYTES);
    assert.equal(budget.capacity(BUFFER_BYTES, reader), SHARE_BYTES);
    crowdWithExcess(budget, 1);
    assert.equal(budget.capacity(BUFFER_BYTES, reader), SHARE_BYTES);
  });
});

describe('a connection', () => {
  it('has its whole send buffer while little excess is in use, also before its peer acknowledged any', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    assert.equal(budget.capacity(BUFFER_BYTES, 0), BUFFER_BYTES);
    crowdWithExcess(budget, LOW_BYTES);
    assert.equal(budget.capacity(BUFFER_BYTES, 0), BUFFER_BYTES);
    crowdWithExcess(budget, 1);
    assert.equal(budget.capacity(BUFFER_BYTES, 0), SHARE_BYTES);
  });

  it('has then as much beyond its share as its peer has read, as far as that is known', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    crowdWithExcess(budget, LOW_BYTES + 1);
    assert.equal(budget.capacity(BUFFER_BYTES, UNREAD_BYTES), SHARE_BYTES);
    assert.equal(budget.capacity(BUFFER_BYTES, UNREAD_BYTES + 1), SHARE_BYTES + 1);
    assert.equal(budget.capacity(BUFFER_BYTES, UNREAD_BYTES + BUFFER_BYTES), BUFFER_BYTES);
  });

  it('may have an eighth of the budget beyond its share when no other connection has any', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    const allOfIt = SHARE_BYTES + LOW_BYTES;
    assert.equal(budget.capacity(allOfIt, 0), allOfIt);
    assert.equal(budget.capacity(allOfIt + 1, 0), allOfIt);
  });

  it('never has more than its send buffer, also where that is smaller than a share', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    for (const bytes of [1, SHARE_BYTES - 1, SHARE_BYTES, SHARE_BYTES + 1]) {
      assert.equal(budget.capacity(bytes, 0), bytes);
    }
    crowdWithExcess(budget, MOST_EXCESS_BYTES);
    for (const bytes of [1, SHARE_BYTES - 1, SHARE_BYTES]) assert.equal(budget.capacity(bytes, 0), bytes);
    assert.equal(budget.capacity(SHARE_BYTES + 1, 0), SHARE_BYTES);
  });

  it('is refused its share in no case, among however many', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    const crowd = Array.from({ length: 2 * MANY }, () => new Sender(budget));
    for (const sender of crowd) sender.send();
    for (const { unacknowledged } of crowd) assert.ok(unacknowledged >= SHARE_BYTES);
    assert.ok(sum(crowd) <= crowd.length * SHARE_BYTES + MOST_EXCESS_BYTES);
    assert.equal(new Sender(budget).send(SHARE_BYTES), SHARE_BYTES);
  });

  it('whose peer reads doubles its space with each round trip, among a crowd that does not read', () => {
    const budget = new SendBudget(BUDGET_BYTES);
    const crowd = Array.from({ length: MANY - 1 }, () => new Sender(budget));
    for (const sender of crowd) {
      sender.send();
      // The peer's receive buffer takes these; it never reads the bytes that are sent next.
      sender.ack(UNREAD_BYTES);
      sender.send();
    }
    const reader = new Sender(budget);
    const shares: number[] = [];
    while (reader.capacity < BUFFER_BYTES && shares.length < 20) {
      shares.push(reader.send() / SHARE_BYTES);
      reader.ack(Number.POSITIVE_INFINITY);
    }
    assert.deepEqual(shares, [1, 1, 1, 1, 1, 2, 4, 8, 16, 32]);
    assert.equal(reader.send(), BUFFER_BYTES);
    assert.ok(sum([...crowd, reader]) <= BUDGET_BYTES);
  });
});

describe('in any order of sends and acknowledgements', () => {
  const step = fc.record({
    who: fc.nat(MANY - 1),
    acks: fc.boolean(),
    bytes: fc.oneof(
      fc.constant(Number.POSITIVE_INFINITY),
      fc.nat(2 * BUFFER_BYTES),
      fc.constantFrom(1, SHARE_BYTES - 1, SHARE_BYTES, SHARE_BYTES + 1),
    ),
  });
  const wave = fc.record({ acks: fc.boolean(), first: fc.nat(MANY - 1), count: fc.nat(MANY) });
  const deed = fc.oneof({ arbitrary: step, weight: 4 }, { arbitrary: wave, weight: 1 });
  const buffers = fc.constantFrom(1, SHARE_BYTES, SHARE_BYTES + 1, BUFFER_BYTES, BUDGET_BYTES);

  it(`${MANY} connections have the budget at most; a peer that acknowledges all has its buffer again`, () => {
    fc.assert(
      fc.property(buffers, fc.array(deed, { maxLength: 100 }), (bufferBytes, deeds) => {
        const budget = new SendBudget(BUDGET_BYTES);
        const senders = Array.from({ length: MANY }, () => new Sender(budget, bufferBytes));
        let total = 0;
        const play = (who: number, acks: boolean, bytes: number): void => {
          const sender = senders[who % MANY];
          if (sender === undefined) return;
          const before = sender.unacknowledged;
          if (acks) sender.ack(bytes);
          else sender.send(bytes);
          total += sender.unacknowledged - before;
          const mayHave = Math.min(bufferBytes, SHARE_BYTES);
          assert.ok(sender.capacity >= mayHave, 'the share is never refused');
          assert.ok(total <= BUDGET_BYTES, `${total} bytes are unacknowledged`);
        };
        for (const one of deeds) {
          if ('who' in one) play(one.who, one.acks, one.bytes);
          else {
            for (let at = 0; at < one.count; at += 1) {
              play(one.first + at, one.acks, Number.POSITIVE_INFINITY);
            }
          }
        }
        for (let who = 0; who < MANY; who += 1) play(who, true, Number.POSITIVE_INFINITY);
        assert.deepEqual([total, budget.excessBytes], [0, 0]);
        const whole = Math.min(bufferBytes, SHARE_BYTES + LOW_BYTES);
        for (const { capacity } of senders) assert.equal(capacity, whole);
      }),
    );
  });
});
