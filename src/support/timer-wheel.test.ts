import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Alarm, Clock } from './clock.js';
import { SLOT_MS, SLOTS, TimerWheel } from './timer-wheel.js';
import { Timer } from './timers.js';

const TURN_MS = SLOT_MS * SLOTS;
/** Wake-ups at one moment after which a wheel is spinning. */
const MOST_WAKES_AT_ONCE = 1000;

interface Waiting {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock that the test moves. */
class HandClock implements Clock {
  #nowMs: number;
  readonly #waiting = new Set<Waiting>();
  #wakesNow = 0;

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  setAlarm(atMs: number, wake: () => void): Alarm {
    const waiting = { atMs, wake };
    this.#waiting.add(waiting);
    return { cancel: () => this.#waiting.delete(waiting) };
  }

  get alarms(): number[] {
    return [...this.#waiting].map(({ atMs }) => atMs);
  }

  advance(ms: number): void {
    this.advanceTo(this.#nowMs + ms);
  }

  advanceTo(endMs: number): void {
    this.#wakesNow = 0;
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#waiting.delete(next);
      if (next.atMs > this.#nowMs) [this.#nowMs, this.#wakesNow] = [next.atMs, 0];
      this.#wakesNow += 1;
      if (this.#wakesNow > MOST_WAKES_AT_ONCE) throw new Error(`the wheel spins at ${this.#nowMs} ms`);
      next.wake();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  /** Lets time pass while a callback runs: no alarm wakes. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets time pass at once: alarms that fall due in that time come late. */
  stall(ms: number): void {
    this.#nowMs += ms;
    this.advance(0);
  }

  #next(endMs: number): Waiting | undefined {
    // The time may be past the end already, because callbacks took time.
    const untilMs = Math.max(endMs, this.#nowMs);
    const due = [...this.#waiting].filter(({ atMs }) => atMs <= untilMs);
    return due.sort((a, b) => a.atMs - b.atMs)[0];
  }
}

/** A wheel whose timers record that they fired, and when. */
class Bench {
  readonly clock: HandClock;
  readonly wheel: TimerWheel;
  readonly fired: [name: string | number, nowMs: number][] = [];

  constructor(nowMs = 0) {
    this.clock = new HandClock(nowMs);
    this.wheel = new TimerWheel(this.clock);
  }

  timer(name: string | number, then?: (nowMs: number) => void): Timer {
    return new Timer({
      due: (nowMs) => {
        this.fired.push([name, nowMs]);
        then?.(nowMs);
      },
    });
  }

  armed(name: string | number, atMs: number, then?: (nowMs: number) => void): Timer {
    const timer = this.timer(name, then);
    this.wheel.arm(timer, atMs);
    return timer;
  }

  takeFired(): [name: string | number, nowMs: number][] {
    return this.fired.splice(0);
  }
}

describe('a timer fires at its time', () => {
  it('to the millisecond and its fractions, once', () => {
    const bench = new Bench();
    for (const atMs of [1, 19, 19.5, 20, 20.25, 21, 39, 40, 250, 500]) bench.armed(atMs, atMs);
    bench.clock.advance(2 * TURN_MS);
    assert.deepEqual(
      bench.fired,
      [1, 19, 19.5, 20, 20.25, 21, 39, 40, 250, 500].map((atMs) => [atMs, atMs]),
    );
  });

  it('not one millisecond before', () => {
    const bench = new Bench();
    bench.armed('timer', 77);
    bench.clock.advanceTo(76.999);
    assert.deepEqual(bench.fired, []);
    bench.clock.advanceTo(77);
    assert.deepEqual(bench.fired, [['timer', 77]]);
  });

  it('sooner if it is armed by a time before that, and not later', () => {
    const bench = new Bench();
    const timer = bench.timer('timer');
    bench.wheel.armBy(timer, 50);
    bench.wheel.armBy(timer, 90);
    bench.wheel.armBy(timer, 30);
    bench.clock.advance(TURN_MS);
    assert.deepEqual(bench.fired, [['timer', 30]]);
  });

  it('in the order of the times, whatever the order of arming', () => {
    const bench = new Bench();
    for (const atMs of [45, 3, 12_000, 44, 2, 700, 4]) bench.armed(atMs, atMs);
    bench.clock.advance(2 * TURN_MS);
    assert.deepEqual(
      bench.fired.map(([name]) => name),
      [2, 3, 4, 44, 45, 700, 12_000],
    );
  });

  for (const startMs of [1e12 + 0.5, 1_000_003, -5, -3 * TURN_MS - 7]) {
    it(`when the clock began at ${startMs} ms, which is arbitrary`, () => {
      const bench = new Bench(startMs);
      const timer = bench.armed('timer', startMs + 30);
      assert.ok(timer.armed);
      bench.clock.advance(30);
      assert.deepEqual(bench.fired, [['timer', startMs + 30]]);
    });
  }

  it('on the last slot of the turn, on the first of the next one, and turns later', () => {
    for (const atMs of [TURN_MS - 1, TURN_MS, TURN_MS + 1, TURN_MS + SLOT_MS, 5 * TURN_MS + 3]) {
      const bench = new Bench(7);
      bench.armed('timer', 7 + atMs);
      bench.clock.advance(atMs - 1);
      assert.deepEqual(bench.fired, [], `nothing before ${atMs}`);
      bench.clock.advance(1);
      assert.deepEqual(bench.fired, [['timer', 7 + atMs]]);
      assert.deepEqual(bench.clock.alarms, []);
    }
  });

  it('also when it shares its slot with timers of other turns', () => {
    const bench = new Bench();
    for (const turns of [2, 0, 3, 1]) bench.armed(turns, turns * TURN_MS + 33);
    bench.clock.advance(4 * TURN_MS);
    assert.deepEqual(
      bench.fired,
      [0, 1, 2, 3].map((turns) => [turns, turns * TURN_MS + 33]),
    );
  });
});

describe('a time in the past', () => {
  it('fires at the next turn, not from inside arm', () => {
    const bench = new Bench(1000);
    bench.armed('other', 5000);
    bench.armed('past', 3);
    bench.armed('long past', -50_000);
    assert.deepEqual(bench.fired, []);
    bench.clock.advance(0);
    assert.deepEqual(bench.fired, [
      ['long past', 1000],
      ['past', 1000],
    ]);
  });

  it('fires at the next turn also when it is armed from due', () => {
    const bench = new Bench(1000);
    let rounds = 0;
    const timer = bench.armed('again', 1000, (nowMs) => {
      rounds += 1;
      if (rounds < 5) bench.wheel.arm(timer, nowMs - 1);
    });
    bench.clock.advance(0);
    assert.deepEqual(
      bench.fired,
      [1, 2, 3, 4, 5].map(() => ['again', 1000]),
    );
    assert.equal(bench.wheel.size, 0);
  });

  it('that is not a number at all is a broken invariant, and nothing changes', () => {
    const bench = new Bench();
    const timer = bench.armed('timer', 10);
    for (const atMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      assert.throws(() => bench.wheel.arm(timer, atMs), /finite time/);
    }
    bench.clock.advance(10);
    assert.deepEqual(bench.fired, [['timer', 10]]);
  });
});

describe('a timer that is moved', () => {
  it('earlier fires earlier, and not at its old time', () => {
    const bench = new Bench();
    const timer = bench.armed('timer', 5000);
    bench.wheel.arm(timer, 40);
    bench.clock.advance(TURN_MS);
    assert.deepEqual(bench.fired, [['timer', 40]]);
  });

  it('later fires later, and not at its old time', () => {
    const bench = new Bench();
    const timer = bench.armed('timer', 40);
    bench.wheel.arm(timer, TURN_MS + 41);
    bench.clock.advance(2 * TURN_MS);
    assert.deepEqual(bench.fired, [['timer', TURN_MS + 41]]);
  });

  it('counts once', () => {
    const bench = new Bench();
    const timer = bench.armed('timer', 40);
    bench.wheel.arm(timer, 41);
    bench.wheel.arm(timer, 39);
    assert.equal(bench.wheel.size, 1);
    assert.equal(bench.clock.alarms.length, 1);
  });
});

describe('inside due()', () => {
  it('a timer is not armed any more and may be armed again', () => {
    const bench = new Bench();
    const seen: boolean[] = [];
    const timer = bench.armed('tick', 10, (nowMs) => {
      seen.push(timer.armed);
      if (nowMs < 50) bench.wheel.arm(timer, nowMs + 20);
    });
    bench.clock.advance(1000);
    assert.deepEqual(
      bench.fired.map(([, nowMs]) => nowMs),
      [10, 30, 50],
    );
    assert.deepEqual(seen, [false, false, false]);
  });

  it('another timer that is due too can be disarmed, and does not fire', () => {
    const bench = new Bench();
    bench.armed('first', 10, () => {
      bench.wheel.disarm(second);
    });
    const second = bench.armed('second', 11);
    bench.clock.stall(500);
    assert.deepEqual(bench.fired, [['first', 500]]);
    assert.equal(bench.wheel.size, 0);
    assert.deepEqual(bench.clock.alarms, []);
  });

  it('another timer that is due too can be moved, and does not fire for its old time', () => {
    const bench = new Bench();
    bench.armed('first', 10, () => {
      bench.wheel.arm(second, 600);
    });
    const second = bench.armed('second', 11);
    bench.clock.stall(500);
    assert.deepEqual(bench.takeFired(), [['first', 500]]);
    bench.clock.advance(1000);
    assert.deepEqual(bench.fired, [['second', 600]]);
  });

  it('a timer that fired already can be armed for the same turn, and comes in the next one', () => {
    const bench = new Bench();
    const first = bench.armed('first', 10);
    bench.armed('second', 11, () => {
      bench.wheel.arm(first, 12);
    });
    bench.armed('third', 13);
    bench.clock.stall(500);
    assert.deepEqual(
      bench.fired.map(([name]) => name),
      ['first', 'second', 'third', 'first'],
    );
  });

  it('time passes, and a timer that is armed for the past all the same comes in the next turn', () => {
    for (const others of [[], [5000]]) {
      const bench = new Bench();
      for (const atMs of others) bench.armed(atMs, atMs);
      let rounds = 0;
      const timer = bench.armed('slow', 10, (nowMs) => {
        rounds += 1;
        if (rounds > 3) return;
        bench.clock.pass(SLOT_MS + 10);
        bench.wheel.arm(timer, nowMs - 1);
      });
      bench.clock.advance(TURN_MS);
      assert.deepEqual(
        bench.fired.filter(([name]) => name === 'slow'),
        [10, 40, 70, 100].map((nowMs) => ['slow', nowMs]),
      );
    }
  });

  it('the wheel tells the time and its size', () => {
    const bench = new Bench();
    bench.armed('timer', 10, (nowMs) => {
      assert.equal(bench.wheel.nowMs(), nowMs);
      assert.equal(bench.wheel.size, 1);
    });
    bench.armed('other', 20);
    bench.clock.advance(15);
    assert.equal(bench.fired.length, 1);
  });
});

describe('an owner that throws', () => {
  const fault = new Error('a fault of the owner');

  function throwing(bench: Bench, atMs: number): void {
    bench.armed('throws', atMs, () => {
      throw fault;
    });
  }

  it('costs the timers after it in its slot no time', () => {
    const bench = new Bench();
    throwing(bench, 1);
    bench.armed('next', 2);
    bench.armed('later', 5000);
    assert.throws(() => {
      bench.clock.stall(10);
    }, fault);
    bench.clock.advance(0);
    assert.deepEqual(bench.takeFired(), [
      ['throws', 10],
      ['next', 10],
    ]);
    bench.clock.advance(TURN_MS);
    assert.deepEqual(bench.fired, [['later', 5000]]);
  });

  it('costs the timers of other slots that came due in the same stall no time', () => {
    const bench = new Bench();
    throwing(bench, 5);
    bench.armed('next', 45);
    bench.armed('later', 5000);
    assert.throws(() => {
      bench.clock.stall(100);
    }, fault);
    bench.clock.advance(0);
    assert.deepEqual(bench.takeFired(), [
      ['throws', 100],
      ['next', 100],
    ]);
    bench.clock.advance(TURN_MS);
    assert.deepEqual(bench.fired, [['later', 5000]]);
  });

  it('leaves no alarm that spins', () => {
    const bench = new Bench();
    throwing(bench, 5);
    bench.armed('next', 45);
    assert.throws(() => {
      bench.clock.stall(100);
    }, fault);
    bench.clock.advance(TURN_MS);
    assert.equal(bench.wheel.size, 0);
  });
});

describe('while nothing is due nothing runs', () => {
  it('an empty wheel has no alarm: never armed, disarmed, fired', () => {
    const bench = new Bench();
    assert.deepEqual(bench.clock.alarms, []);
    const timer = bench.armed('timer', 30);
    assert.deepEqual(bench.clock.alarms, [30]);
    bench.wheel.disarm(timer);
    assert.deepEqual(bench.clock.alarms, []);
    bench.wheel.disarm(timer);
    assert.equal(bench.wheel.size, 0);
    bench.wheel.arm(timer, 60);
    bench.clock.advance(60);
    assert.equal(bench.fired.length, 1);
    assert.deepEqual(bench.clock.alarms, []);
  });

  it('there is one alarm at most, at the earliest timer', () => {
    const bench = new Bench();
    for (const atMs of [900, 300, 600]) bench.armed(atMs, atMs);
    assert.deepEqual(bench.clock.alarms, [300]);
    bench.clock.advance(300);
    assert.deepEqual(bench.clock.alarms, [600]);
  });

  it('a timer hours away costs one wake-up for each turn', () => {
    const bench = new Bench();
    bench.armed('timer', 10 * TURN_MS + 5);
    let wakes = 0;
    while (bench.wheel.size > 0) {
      bench.clock.advanceTo(bench.clock.alarms[0] ?? Number.NaN);
      wakes += 1;
    }
    assert.ok(wakes <= 11, `${wakes} wake-ups`);
  });

  it('a wheel that was empty for long takes up with the present', () => {
    const bench = new Bench();
    bench.armed('one', 10);
    bench.clock.advance(100 * TURN_MS + 11);
    const nowMs = bench.clock.nowMs();
    bench.armed('two', nowMs + 9);
    bench.clock.advance(9);
    assert.deepEqual(bench.fired.at(-1), ['two', nowMs + 9]);
  });
});

describe('a stall', () => {
  for (const stallMs of [SLOT_MS, TURN_MS - 1, TURN_MS, TURN_MS + 1, 7 * TURN_MS + 123]) {
    it(`of ${stallMs} ms loses no timer and keeps their order`, () => {
      const bench = new Bench(13);
      const times = [0, 5, 19, 20, 700, TURN_MS - 21, TURN_MS - 1, TURN_MS, TURN_MS + 1, 3 * TURN_MS];
      for (const atMs of [...times].reverse()) bench.armed(atMs, 13 + atMs);
      bench.clock.stall(stallMs);
      assert.deepEqual(
        bench.takeFired(),
        times.filter((atMs) => atMs <= stallMs).map((atMs) => [atMs, 13 + stallMs]),
      );
      bench.clock.advance(4 * TURN_MS);
      assert.deepEqual(
        bench.fired,
        times.filter((atMs) => atMs > stallMs).map((atMs) => [atMs, 13 + atMs]),
      );
    });
  }
});

/** Timers in a list that is searched and sorted each time: slow, and plainly right. */
class NaiveTimers {
  nowMs = 0;
  readonly at = new Map<number, number>();
  readonly fired: [id: number, nowMs: number][] = [];
  readonly react: (id: number, nowMs: number) => void;

  constructor(react: (id: number, nowMs: number) => void) {
    this.react = react;
  }

  advanceTo(endMs: number): void {
    for (;;) {
      const next = Math.max(this.nowMs, Math.min(...this.at.values()));
      if (next > Math.max(endMs, this.nowMs)) break;
      this.nowMs = next;
      this.turn();
    }
    this.nowMs = Math.max(this.nowMs, endMs);
  }

  stall(ms: number): void {
    this.nowMs += ms;
    this.advanceTo(this.nowMs);
  }

  turn(): void {
    const { nowMs } = this;
    const due = [...this.at].filter(([, atMs]) => atMs <= nowMs).sort((a, b) => a[1] - b[1]);
    for (const [id] of due) {
      const atMs = this.at.get(id);
      if (atMs === undefined || atMs > nowMs) continue;
      this.at.delete(id);
      this.fired.push([id, nowMs]);
      this.react(id, nowMs);
    }
  }
}

type Action =
  | { readonly kind: 'arm'; readonly id: number; readonly inMs: number }
  | { readonly kind: 'disarm'; readonly id: number };
/** An act of a callback: on a timer, or to take time. */
type Reaction = Action | { readonly kind: 'pass'; readonly ms: number };
type Command =
  | Action
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'stall'; readonly ms: number };

const TIMERS = 40;
/** Each timer's own fraction of a millisecond, so that no two have the same time. */
const FRACTION_MS = 1 / 64;

const id = fc.nat(TIMERS - 1);
const inMs = fc.oneof(
  fc.integer({ min: -100, max: 100 }),
  fc.integer({ min: 0, max: 3 * TURN_MS }),
  fc.constantFrom(0, SLOT_MS, TURN_MS - SLOT_MS, TURN_MS - 1, TURN_MS, TURN_MS + 1),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('arm' as const), id, inMs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disarm' as const), id }) },
);
const reaction: fc.Arbitrary<Reaction> = fc.oneof(
  { weight: 6, arbitrary: action },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(60) }) },
);
const passedMs = fc.oneof(fc.nat(50), fc.nat(2 * TURN_MS));
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: action },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: passedMs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stall' as const), ms: passedMs }) },
);

/** Returns a time of a timer, in its own fraction of the millisecond. */
function timeOf(id: number, nowMs: number, inMs: number): number {
  return Math.floor(nowMs) + inMs + id * FRACTION_MS;
}

/**
 * Runs the commands on the wheel and on the model. `reactions` are the acts of `due`, by order of firing;
 * once they are used up, `due` does nothing.
 */
function playBoth(commands: readonly Command[], reactions: readonly (Reaction | undefined)[]): void {
  const clock = new HandClock();
  const wheel = new TimerWheel(clock);
  const fired: [id: number, nowMs: number][] = [];
  const onWheel = (what: Reaction | undefined, nowMs: number): void => {
    if (what?.kind === 'pass') clock.pass(what.ms);
    const timer = what === undefined || what.kind === 'pass' ? undefined : timers[what.id];
    if (timer === undefined) return;
    if (what?.kind === 'arm') wheel.arm(timer, timeOf(what.id, nowMs, what.inMs));
    else wheel.disarm(timer);
  };
  const timers = Array.from(
    { length: TIMERS },
    (_, id) =>
      new Timer({
        due: (nowMs) => {
          fired.push([id, nowMs]);
          onWheel(reactions[fired.length - 1], nowMs);
        },
      }),
  );
  const onModel = (what: Reaction | undefined, nowMs: number): void => {
    if (what?.kind === 'pass') model.nowMs += what.ms;
    else if (what?.kind === 'arm') model.at.set(what.id, timeOf(what.id, nowMs, what.inMs));
    else if (what?.kind === 'disarm') model.at.delete(what.id);
  };
  const model = new NaiveTimers((_, nowMs) => {
    onModel(reactions[model.fired.length - 1], nowMs);
  });
  for (const what of commands) {
    if (what.kind === 'stall') {
      clock.stall(what.ms);
      model.stall(what.ms);
    } else if (what.kind === 'advance') {
      clock.advance(what.ms);
      model.advanceTo(model.nowMs + what.ms);
    } else {
      onWheel(what, clock.nowMs());
      onModel(what, model.nowMs);
    }
    assert.deepEqual(fired, model.fired);
    assert.equal(wheel.size, model.at.size);
    assert.equal(clock.alarms.length, Math.min(1, wheel.size));
    assert.deepEqual(
      timers.map((timer) => (timer.armed ? timer.atMs : undefined)),
      timers.map((_, id) => model.at.get(id)),
    );
  }
}

describe('many timers', () => {
  it('do what a sorted list does, whatever is armed, moved and disarmed, from due() as well', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 100, size: 'max' }),
        fc.array(fc.option(reaction, { nil: undefined }), { maxLength: 100, size: 'max' }),
        playBoth,
      ),
      { numRuns: 500 },
    );
  });

  it('of a hundred thousand, each fires at its own time', () => {
    const bench = new Bench();
    const count = 100_000;
    let late = 0;
    for (let index = 0; index < count; index += 1) {
      const atMs = (index * 7919) % 60_000;
      const timer = new Timer({ due: (nowMs) => (late += nowMs - atMs) });
      bench.wheel.arm(timer, atMs);
    }
    assert.equal(bench.wheel.size, count);
    bench.clock.advance(60_000);
    assert.equal(bench.wheel.size, 0);
    assert.equal(late, 0);
  });
});
